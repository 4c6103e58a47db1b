from cpython.bytes cimport (
    PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
)
from cpython.unicode cimport PyUnicode_DecodeLatin1
from libc.string cimport memchr, memcmp


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


cdef inline bint same(bytes data, Py_ssize_t start, bytes word) noexcept:
    cdef Py_ssize_t size = PyBytes_GET_SIZE(word)
    if start < 0 or PyBytes_GET_SIZE(data) - size < start:
        return False
    return memcmp(PyBytes_AS_STRING(data) + start, PyBytes_AS_STRING(word), size) == 0


cdef inline bint same_letters(bytes data, Py_ssize_t start, bytes word) noexcept:
    cdef const unsigned char* text = <const unsigned char*> PyBytes_AS_STRING(data)
    cdef const unsigned char* lower = <const unsigned char*> PyBytes_AS_STRING(word)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(word)
    cdef Py_ssize_t index
    cdef unsigned char octet
    if start < 0 or PyBytes_GET_SIZE(data) - size < start:
        return False
    for index in range(size):
        octet = text[start + index]
        if 65 <= octet <= 90:
            octet |= 32
        if octet != lower[index]:
            return False
    return True


cdef inline bytes piece(bytes data, Py_ssize_t start, Py_ssize_t stop):
    if stop > PyBytes_GET_SIZE(data):
        stop = PyBytes_GET_SIZE(data)
    if start < 0 or start >= stop:
        return b""
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(data) + start, stop - start)


cdef inline str text(bytes data, Py_ssize_t start, Py_ssize_t stop):
    cdef const char* octets = PyBytes_AS_STRING(data)
    if stop > PyBytes_GET_SIZE(data):
        stop = PyBytes_GET_SIZE(data)
    if start < 0:
        return ""
    while start < stop and (octets[start] == 32 or octets[start] == 9):
        start += 1
    while start < stop and (octets[stop - 1] == 32 or octets[stop - 1] == 9):
        stop -= 1
    if start >= stop:
        return ""
    return PyUnicode_DecodeLatin1(octets + start, stop - start, NULL)
