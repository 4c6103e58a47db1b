cimport cython

from unpacket._core.native cimport reads
from unpacket._core.memory.batch cimport i64, u64
from unpacket._core.decode.link_types cimport framing
from unpacket._core.decode.ip cimport ip_layer
from unpacket._core.decode.link cimport header, network_type
from unpacket._core.decode.packet cimport Packet

cdef int NONE, ENCAPSULATED, NOT_IP, PLAIN_UDP, TUNNEL_HEADER, TUNNEL_TRUNCATED
cdef int LINK_TYPES, UDP_PORTS, KEYED_BY_NOTHING, MAX_LAYERS
cdef u64 AYIYA, CISCO_METADATA, CONTROL_WORD, ERSPAN, ETAG, ETHERIP, ETHERNET
cdef u64 FABRICPATH, GENEVE, GRE, GRE_KEY, GTP, HSR, IPV4, IPV6, L2TP, L2TPV3, MPLS
cdef u64 NSH, PBB, PPP, PPPOE, TEREDO, TRILL, UDP, VNTAG, VXLAN, VXLAN_GPE

@cython.locals(reason=int, inside=int, damaged=bint)
cpdef int unwrap(Packet packet) except -1 nogil
cdef int link(Packet packet, int ethertype) except -1 nogil
cdef int network(Packet packet, int protocol) except -1 nogil
@cython.locals(at=i64, size=i64)
cdef int udp(Packet packet, int port) except -1 nogil
cdef int outer(Packet packet) except -1 nogil
cdef int ends(Packet packet, u64 kind) except -1 nogil
cdef int number(Packet packet, u64 kind, u64 identifier) except -1 nogil
cdef int ethernet(Packet packet) except -1 nogil
@cython.locals(ethertype=i64, version=int)
cdef bint looks_like_ethernet(Packet packet, i64 at) except -1 nogil
cdef int tag(Packet packet, u64 kind, i64 size) except -1 nogil
@cython.locals(bottom=bint, entry=i64, at=i64, left=i64, version=int)
cdef int mpls(Packet packet) except -1 nogil
@cython.locals(at=i64, size=i64)
cdef int pppoe(Packet packet) except -1 nogil
@cython.locals(at=i64, protocol=i64)
cdef int ppp(Packet packet) except -1 nogil
cdef int backbone(Packet packet) except -1 nogil
@cython.locals(at=i64)
cdef int trill(Packet packet) except -1 nogil
@cython.locals(at=i64, left=i64, words=i64, size=i64)
cdef int service_header(Packet packet) except -1 nogil
cdef int next_protocol(Packet packet, int following) except -1 nogil
@cython.locals(
    at=i64, left=i64, flags=i64, protocol=i64, size=i64, key_at=i64, key=u64,
    reason=int,
)
cdef int generic(Packet packet) except -1 nogil
cdef int typed(Packet packet, i64 ethertype) except -1 nogil
@cython.locals(at=i64, family=i64, size=i64)
cdef int source_routes(Packet packet) except -1 nogil
@cython.locals(at=i64, left=i64, size=i64, payload=i64)
cdef int pptp(Packet packet, i64 flags, i64 protocol) except -1 nogil
@cython.locals(at=i64, session=u64, last=i64)
cdef int erspan(Packet packet, i64 size) except -1 nogil
@cython.locals(version=int)
cdef int bare_ip(Packet packet) except -1 nogil
cdef int ether_ip(Packet packet) except -1 nogil
@cython.locals(at=i64)
cdef int vxlan(Packet packet) except -1 nogil
@cython.locals(at=i64, flags=int)
cdef int vxlan_gpe(Packet packet) except -1 nogil
@cython.locals(at=i64, size=i64)
cdef int geneve(Packet packet) except -1 nogil
@cython.locals(at=i64, flags=int, following=int, size=i64)
cdef int gtp(Packet packet) except -1 nogil
@cython.locals(at=i64)
cdef int teredo(Packet packet) except -1 nogil
@cython.locals(at=i64, size=i64, following=int)
cdef int ayiya(Packet packet) except -1 nogil
@cython.locals(at=i64, flags=i64, version=int, size=i64, length=i64, session=u64)
cdef int l2tp(Packet packet) except -1 nogil
@cython.locals(at=i64, session=u64, skipped=i64)
cdef int l2tp_v3(Packet packet) except -1 nogil
