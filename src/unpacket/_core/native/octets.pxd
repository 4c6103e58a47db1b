from cpython.bytes cimport PyBytes_FromStringAndSize

from unpacket._core.memory.batch cimport Batch


cdef inline bytes octets(Batch batch, Py_ssize_t start, Py_ssize_t length):
    if start < 0 or length < 0 or start > batch.data.shape[0] - length:
        raise IndexError("no such bytes in the buffer")
    if length == 0:
        return b""
    return PyBytes_FromStringAndSize(<const char*> &batch.data[start], length)
