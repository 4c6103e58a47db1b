# What inline_fill.py says, for the compiled core.

from cpython.bytearray cimport (
    PyByteArray_AS_STRING,
    PyByteArray_FromStringAndSize,
    PyByteArray_GET_SIZE,
    PyByteArray_Resize,
)
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.string cimport memcpy

from unpacket._core.batch cimport Batch


cdef inline bytearray block(Py_ssize_t size):
    return PyByteArray_FromStringAndSize(NULL, size)


cdef inline int fill(
    bytearray target, Py_ssize_t at, Batch batch, Py_ssize_t start, Py_ssize_t length
) except -1:
    if at < 0 or start < 0 or length < 0:
        raise IndexError("no such bytes in the buffer")
    if (
        at > PyByteArray_GET_SIZE(target) - length
        or start > batch.data.shape[0] - length
    ):
        raise IndexError("no such bytes in the buffer")
    if length > 0:
        memcpy(PyByteArray_AS_STRING(target) + at, &batch.data[start], length)
    return 0


cdef inline int fill_bytes(
    bytearray target, Py_ssize_t at, bytes source, Py_ssize_t start, Py_ssize_t length
) except -1:
    if at < 0 or start < 0 or length < 0:
        raise IndexError("no such bytes in the buffer")
    if (
        at > PyByteArray_GET_SIZE(target) - length
        or start > PyBytes_GET_SIZE(source) - length
    ):
        raise IndexError("no such bytes in the buffer")
    memcpy(
        PyByteArray_AS_STRING(target) + at, PyBytes_AS_STRING(source) + start, length
    )
    return 0


cdef inline int cut(bytearray target, Py_ssize_t size) except -1:
    if size < 0 or size > PyByteArray_GET_SIZE(target):
        raise IndexError("no such bytes in the buffer")
    return PyByteArray_Resize(target, size)
