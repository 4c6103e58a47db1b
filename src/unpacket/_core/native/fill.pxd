# What fill.py says, for the compiled core.

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.string cimport memcpy

from unpacket._core.memory.batch cimport Batch


cdef inline int fill(
    unsigned char[::1] target, Py_ssize_t at, Batch batch, Py_ssize_t start,
    Py_ssize_t length,
) except -1:
    if at < 0 or start < 0 or length < 0:
        raise IndexError("no such bytes in the buffer")
    if at > target.shape[0] - length or start > batch.data.shape[0] - length:
        raise IndexError("no such bytes in the buffer")
    if length > 0:
        memcpy(&target[at], &batch.data[start], length)
    return 0


cdef inline int fill_bytes(
    unsigned char[::1] target, Py_ssize_t at, bytes source, Py_ssize_t start,
    Py_ssize_t length,
) except -1:
    if at < 0 or start < 0 or length < 0:
        raise IndexError("no such bytes in the buffer")
    if at > target.shape[0] - length or start > PyBytes_GET_SIZE(source) - length:
        raise IndexError("no such bytes in the buffer")
    if length > 0:
        memcpy(&target[at], PyBytes_AS_STRING(source) + start, length)
    return 0


cdef inline int fill_block(
    unsigned char[::1] target, Py_ssize_t at, bytearray source, Py_ssize_t start,
    Py_ssize_t length,
) except -1:
    if at < 0 or start < 0 or length < 0:
        raise IndexError("no such bytes in the buffer")
    if at > target.shape[0] - length or start > PyByteArray_GET_SIZE(source) - length:
        raise IndexError("no such bytes in the buffer")
    if length > 0:
        memcpy(&target[at], PyByteArray_AS_STRING(source) + start, length)
    return 0


cdef inline int move(
    bytearray target, Py_ssize_t at, unsigned char[::1] source, Py_ssize_t start,
    Py_ssize_t length,
) except -1:
    if at < 0 or start < 0 or length < 0:
        raise IndexError("no such bytes in the buffer")
    if (
        at > PyByteArray_GET_SIZE(target) - length
        or start > source.shape[0] - length
    ):
        raise IndexError("no such bytes in the buffer")
    if length > 0:
        memcpy(PyByteArray_AS_STRING(target) + at, &source[start], length)
    return 0


cdef inline int keep(
    bytearray target, Py_ssize_t at, const unsigned char[::1] source, Py_ssize_t start,
    Py_ssize_t length,
) except -1:
    if at < 0 or start < 0 or length < 0:
        raise IndexError("no such bytes in the buffer")
    if (
        at > PyByteArray_GET_SIZE(target) - length
        or start > source.shape[0] - length
    ):
        raise IndexError("no such bytes in the buffer")
    if length > 0:
        memcpy(PyByteArray_AS_STRING(target) + at, &source[start], length)
    return 0


cdef inline int keep_bytes(
    bytearray target, Py_ssize_t at, bytes source, Py_ssize_t start, Py_ssize_t length
) except -1:
    if at < 0 or start < 0 or length < 0:
        raise IndexError("no such bytes in the buffer")
    if (
        at > PyByteArray_GET_SIZE(target) - length
        or start > PyBytes_GET_SIZE(source) - length
    ):
        raise IndexError("no such bytes in the buffer")
    if length > 0:
        memcpy(
            PyByteArray_AS_STRING(target) + at,
            PyBytes_AS_STRING(source) + start,
            length,
        )
    return 0
