cimport cython

from unpacket._core.decode.link cimport header, network_type
from unpacket._core.decode.packet cimport Packet
from unpacket._core.decode.tunnels.note cimport number
from unpacket._core.memory.batch cimport i64, u64
from unpacket._core.native cimport reads

cdef int ENCAPSULATED, NOT_IP, TUNNEL_HEADER, TUNNEL_TRUNCATED, MAX_LAYERS
cdef int ICV_BYTES
cdef u64 CONTROL_WORD, ETHERNET, MACSEC, MPLS, NSH, PBB, PPP, PPPOE, TRILL

cpdef int ethernet(Packet packet) except -1 nogil
@cython.locals(ethertype=i64, version=int)
cpdef bint looks_like_ethernet(Packet packet, i64 at) except -1 nogil
cpdef int tag(Packet packet, u64 kind, i64 size) except -1 nogil
@cython.locals(bottom=bint, entry=i64, at=i64, left=i64, version=int)
cpdef int mpls(Packet packet) except -1 nogil
@cython.locals(at=i64, size=i64)
cpdef int pppoe(Packet packet) except -1 nogil
@cython.locals(at=i64, protocol=i64)
cpdef int ppp(Packet packet) except -1 nogil
cpdef int backbone(Packet packet) except -1 nogil
@cython.locals(at=i64, control=int, short=i64, stop=i64)
cpdef int secured(Packet packet) except -1 nogil
@cython.locals(ethertype=i64)
cdef i64 ip_stop(Packet packet, i64 at) except -1 nogil
@cython.locals(at=i64)
cpdef int trill(Packet packet) except -1 nogil
@cython.locals(at=i64, left=i64, words=i64, size=i64)
cpdef int service_header(Packet packet) except -1 nogil
cpdef int next_protocol(Packet packet, int following) except -1 nogil
