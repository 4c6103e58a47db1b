# cython: nonecheck=False, initializedcheck=False
# cython: boundscheck=False, overflowcheck=False
# What reads.py says, for the compiled core.
#
# Each function compares its range with the bounds of the data, and then reads inside
# of it unchecked. Bytes shifted into 64 bits do not overflow.

from unpacket._core.memory.batch cimport i64, u8, u32, u64
from unpacket._core.decode.packet cimport Packet


cdef inline i64 be16(Packet packet, i64 at) noexcept nogil:
    if at < 0 or at > packet.data.shape[0] - 2:
        return 0
    return packet.data[at] << 8 | packet.data[at + 1]


# All four in 32 bits: so compilers see a load and a swap of its bytes.
cdef inline i64 be32(Packet packet, i64 at) noexcept nogil:
    if at < 0 or at > packet.data.shape[0] - 4:
        return 0
    cdef const u8* octet = &packet.data[at]
    return (
        <u32> octet[0] << 24 | <u32> octet[1] << 16 | <u32> octet[2] << 8 | octet[3]
    )


cdef inline u64 be64(Packet packet, i64 at) noexcept nogil:
    return <u64>be32(packet, at) << 32 | <u64>be32(packet, at + 4)
