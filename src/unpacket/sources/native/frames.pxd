from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_Check
from libc.string cimport memcpy

from unpacket._core.memory.batch cimport Batch


cdef inline int copy(
    Batch target, Py_ssize_t at, Batch source, Py_ssize_t start, Py_ssize_t length
) except -1:
    if at < 0 or start < 0 or length < 0:
        raise IndexError("no such bytes in the buffer")
    if (
        at > target.data.shape[0] - length
        or start > source.data.shape[0] - length
    ):
        raise IndexError("no such bytes in the buffer")
    if not PyByteArray_Check(target.buffer):
        raise TypeError("the buffer is not a bytearray")
    if length > 0:
        memcpy(
            PyByteArray_AS_STRING(target.buffer) + at, &source.data[start], length
        )
    return 0
