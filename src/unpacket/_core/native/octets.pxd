from cpython.bytes cimport (
    PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE,
)

from unpacket._core.memory.batch cimport Batch


cdef inline bytes octets(Batch batch, Py_ssize_t start, Py_ssize_t length):
    if start < 0 or length < 0 or start > batch.data.shape[0] - length:
        raise IndexError("no such bytes in the buffer")
    if length == 0:
        return b""
    return PyBytes_FromStringAndSize(<const char*> &batch.data[start], length)


cdef inline bytes part(bytes data, Py_ssize_t start, Py_ssize_t stop):
    if start < 0 or start > stop or stop > PyBytes_GET_SIZE(data):
        raise IndexError("no such bytes")
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(data) + start, stop - start)
