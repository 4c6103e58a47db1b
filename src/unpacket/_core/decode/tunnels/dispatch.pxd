cimport cython

from unpacket._core.decode.ip cimport ip_layer
from unpacket._core.decode.link cimport network_type
from unpacket._core.decode.link_types cimport framing
from unpacket._core.decode.packet cimport Packet
from unpacket._core.memory.batch cimport u64
from unpacket._core.decode.tunnels.gre cimport generic
from unpacket._core.decode.tunnels.layer2 cimport (
    backbone, ethernet, mpls, ppp, pppoe, secured, service_header, tag, trill
)
from unpacket._core.decode.tunnels.note cimport ends, outer
from unpacket._core.decode.tunnels.udp cimport l2tp_v3, udp

cdef int NONE, ENCAPSULATED, TUNNEL_HEADER, TUNNEL_TRUNCATED, LINK_TYPES, UDP_PORTS
cdef int MAX_LAYERS
cdef u64 CISCO_METADATA, ETAG, ETHERIP, ETHERNET, FABRICPATH, HSR, IPV4, IPV6, MPLS
cdef u64 VNTAG

@cython.locals(reason=int, inside=int, damaged=bint)
cpdef int unwrap(Packet packet) except -1 nogil
cpdef int link(Packet packet, int ethertype) except -1 nogil
cpdef int network(Packet packet, int protocol) except -1 nogil
cpdef int ether_ip(Packet packet) except -1 nogil
