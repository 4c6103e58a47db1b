from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.string cimport memchr


cdef inline Py_ssize_t find_byte(
    bytes data, int byte, Py_ssize_t start, Py_ssize_t stop
) except -2:
    cdef const char* text = PyBytes_AS_STRING(data)
    cdef const char* found
    if stop > PyBytes_GET_SIZE(data):
        stop = PyBytes_GET_SIZE(data)
    if start < 0 or start >= stop:
        return -1
    found = <const char*> memchr(text + start, byte, stop - start)
    return -1 if found is NULL else <Py_ssize_t> (<size_t> found - <size_t> text)
