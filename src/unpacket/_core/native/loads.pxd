# cython: boundscheck=False, nonecheck=False, overflowcheck=False

from unpacket._core.memory.batch cimport u8, u16, u32


cdef inline u32 load16(
    const u8[::1] data, Py_ssize_t at, bint big_endian
) noexcept nogil:
    cdef const u8* octet = &data[at]
    if big_endian:
        return <u32> octet[0] << 8 | octet[1]
    return <u32> octet[1] << 8 | octet[0]


# A load and a swap, as compilers see it: short enough to become part of a loop.
cdef inline u32 load32(
    const u8[::1] data, Py_ssize_t at, bint big_endian
) noexcept nogil:
    cdef const u8* octet = &data[at]
    cdef u32 value = (
        <u32> octet[3] << 24 | <u32> octet[2] << 16 | <u32> octet[1] << 8 | octet[0]
    )
    if big_endian:
        value = value >> 24 | value >> 8 & 0xFF00 | (value & 0xFF00) << 8 | value << 24
    return value
