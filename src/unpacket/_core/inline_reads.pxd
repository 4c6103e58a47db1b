# cython: nonecheck=False, initializedcheck=False
# cython: boundscheck=False, overflowcheck=False
# What inline_reads.py says, for the compiled core.
#
# Each function compares its range with the bounds of the data, and then reads inside
# of it unchecked. Bytes shifted into 64 bits do not overflow.

from unpacket._core.batch cimport i64, u64
from unpacket._core.packet cimport Packet


cdef inline i64 be16(Packet packet, i64 at) noexcept nogil:
    if at < 0 or at > packet.data.shape[0] - 2:
        return 0
    return packet.data[at] << 8 | packet.data[at + 1]


cdef inline i64 be32(Packet packet, i64 at) noexcept nogil:
    if at < 0 or at > packet.data.shape[0] - 4:
        return 0
    return (
        <i64>packet.data[at] << 24
        | packet.data[at + 1] << 16
        | packet.data[at + 2] << 8
        | packet.data[at + 3]
    )


cdef inline u64 be64(Packet packet, i64 at) noexcept nogil:
    return <u64>be32(packet, at) << 32 | <u64>be32(packet, at + 4)
