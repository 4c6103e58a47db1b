cimport cython

from unpacket._core.decode.packet cimport Packet
from unpacket._core.decode.tunnels.layer2 cimport ethernet, ppp
from unpacket._core.decode.tunnels.note cimport bare_ip, ends, typed
from unpacket._core.memory.batch cimport i64, u64
from unpacket._core.native cimport reads

cdef int NONE, ENCAPSULATED, NOT_IP, TUNNEL_HEADER, TUNNEL_TRUNCATED, LINK_TYPES
cdef int KEYED_BY_NOTHING
cdef u64 ERSPAN, GRE, GRE_KEY, PPP, WCCP

@cython.locals(
    at=i64, left=i64, flags=i64, protocol=i64, size=i64, key_at=i64, key=u64,
    reason=int,
)
cpdef int generic(Packet packet) except -1 nogil
@cython.locals(at=i64, family=i64, size=i64)
cpdef int source_routes(Packet packet) except -1 nogil
@cython.locals(at=i64, left=i64, size=i64, payload=i64)
cpdef int pptp(Packet packet, i64 flags, i64 protocol) except -1 nogil
@cython.locals(at=i64, session=u64, last=i64)
cpdef int erspan(Packet packet, i64 size) except -1 nogil
@cython.locals(at=i64)
cpdef int redirected(Packet packet) except -1 nogil
