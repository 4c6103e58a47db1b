cimport cython

from unpacket._core.decode.link cimport network_type
from unpacket._core.decode.packet cimport Packet
from unpacket._core.memory.batch cimport i64, u64

cdef int NOT_IP, TUNNEL_TRUNCATED, KEYED_BY_NOTHING
cdef u64 IPV4, IPV6

cpdef int outer(Packet packet) except -1 nogil
cpdef int ends(Packet packet, u64 kind) except -1 nogil
cpdef int number(Packet packet, u64 kind, u64 identifier) except -1 nogil
cpdef int typed(Packet packet, i64 ethertype) except -1 nogil
@cython.locals(version=int)
cpdef int bare_ip(Packet packet) except -1 nogil
