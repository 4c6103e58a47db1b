cimport cython

from unpacket._core.decode.link cimport network_type
from unpacket._core.decode.packet cimport Packet
from unpacket._core.decode.tunnels.access_point cimport capwap, tzsp
from unpacket._core.decode.tunnels.gre cimport generic
from unpacket._core.decode.tunnels.layer2 cimport (
    ethernet, looks_like_ethernet, mpls, next_protocol, ppp
)
from unpacket._core.decode.tunnels.note cimport bare_ip, ends, number, outer, typed
from unpacket._core.memory.batch cimport i64, u64
from unpacket._core.native cimport reads

cdef int ENCAPSULATED, NOT_IP, PLAIN_UDP, TUNNEL_HEADER, TUNNEL_TRUNCATED
cdef int KEYED_BY_NOTHING
cdef u64 AYIYA, GENEVE, GTP, L2TP, L2TPV3, LISP, MPLS, TEREDO, UDP, VXLAN, VXLAN_GPE

@cython.locals(at=i64, size=i64)
cpdef int udp(Packet packet, int port) except -1 nogil
@cython.locals(at=i64)
cpdef int vxlan(Packet packet) except -1 nogil
@cython.locals(at=i64, flags=int)
cpdef int vxlan_gpe(Packet packet) except -1 nogil
@cython.locals(at=i64, size=i64)
cpdef int geneve(Packet packet) except -1 nogil
@cython.locals(at=i64, flags=int, following=int, size=i64)
cpdef int gtp(Packet packet) except -1 nogil
@cython.locals(at=i64)
cpdef int teredo(Packet packet) except -1 nogil
@cython.locals(at=i64, size=i64, following=int)
cpdef int ayiya(Packet packet) except -1 nogil
@cython.locals(at=i64, flags=int)
cpdef int lisp(Packet packet) except -1 nogil
@cython.locals(at=i64, flags=i64, version=int, size=i64, length=i64, session=u64)
cpdef int l2tp(Packet packet) except -1 nogil
@cython.locals(at=i64, session=u64, skipped=i64)
cpdef int l2tp_v3(Packet packet) except -1 nogil
