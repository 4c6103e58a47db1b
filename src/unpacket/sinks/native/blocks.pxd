from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.string cimport memcpy, memset

from unpacket._core.memory.batch cimport Batch


cdef inline void put(unsigned char* to, unsigned int value) noexcept nogil:
    to[0] = value & 0xFF
    to[1] = value >> 8 & 0xFF
    to[2] = value >> 16 & 0xFF
    to[3] = value >> 24


cdef inline Py_ssize_t block_bytes(Batch batch, Py_ssize_t i) except -1:
    if i < 0 or i >= batch.count:
        raise IndexError("no such frame in the batch")
    cdef Py_ssize_t length = batch.captured[i]
    return 32 + length + (-length & 3)


cdef inline int put_block(
    bytearray target, Py_ssize_t at, Batch batch, Py_ssize_t i, bytes options
) except -1:
    cdef Py_ssize_t said = PyBytes_GET_SIZE(options)
    cdef Py_ssize_t total = block_bytes(batch, i) + said
    cdef Py_ssize_t start = batch.start[i]
    cdef Py_ssize_t length = batch.captured[i]
    cdef unsigned long long ticks = <unsigned long long>batch.time_ns[i]
    if start < 0 or start > batch.data.shape[0] - length:
        raise IndexError("no such bytes in the buffer")
    if at < 0 or at > PyByteArray_GET_SIZE(target) - total:
        raise IndexError("no such bytes in the buffer")
    # All of it is written below: the head, the frame, less than four zeros, options,
    # the total.
    cdef unsigned char* to = <unsigned char*>PyByteArray_AS_STRING(target) + at
    put(to, 6)
    put(to + 4, <unsigned int>total)
    put(to + 8, 0)
    put(to + 12, <unsigned int>(ticks >> 32))
    put(to + 16, <unsigned int>(ticks & 0xFFFFFFFF))
    put(to + 20, <unsigned int>length)
    put(to + 24, batch.original[i])
    if length:
        memcpy(to + 28, &batch.data[start], length)
    memset(to + 28 + length, 0, -length & 3)
    memcpy(to + total - 4 - said, PyBytes_AS_STRING(options), said)
    put(to + total - 4, <unsigned int>total)
    return 0
