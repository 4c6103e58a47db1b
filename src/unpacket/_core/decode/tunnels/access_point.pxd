cimport cython

from unpacket._core.decode.link_types cimport wireless
from unpacket._core.decode.packet cimport Packet
from unpacket._core.decode.tunnels.layer2 cimport ethernet
from unpacket._core.memory.batch cimport i64, u64
from unpacket._core.native cimport reads

cdef int BYTES_SWAPPED, ENCAPSULATED, PLAIN_UDP, TUNNEL_HEADER, TUNNEL_TRUNCATED
cdef int KEYED_BY_NOTHING, LINK_TYPES
cdef u64 CAPWAP, TZSP

@cython.locals(at=i64, preamble=int, fields=i64, size=i64, control=i64)
cpdef int capwap(Packet packet) except -1 nogil
@cython.locals(at=i64, inside=i64, tag=int)
cpdef int tzsp(Packet packet) except -1 nogil
