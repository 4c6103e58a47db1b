cimport cython

from unpacket._core.native cimport reads
from unpacket._core.memory.batch cimport i64, u64
from unpacket._core.decode.packet cimport Packet

cdef int NONE, LINK_TRUNCATED, LINK_HEADER, LINK_TYPES
cdef int ARP, NOT_IP, ENCAPSULATED, MAX_VLAN_TAGS, KEYED_BY_VLAN
cdef u64 LLC, VLAN

cpdef int link_layer(Packet packet, int link_type) except -1 nogil
@cython.locals(ethertype=i64)
cpdef int header(Packet packet, i64 size, i64 type_at) except -1 nogil
cpdef int network_type(Packet packet, i64 ethertype) except -1 nogil
@cython.locals(tags=int, vlan=i64)
cdef int other_type(Packet packet, i64 ethertype) except -1 nogil
@cython.locals(saps=i64, organization=i64, ethertype=i64)
cpdef int logical_link(Packet packet) except -1 nogil
@cython.locals(family=i64)
cpdef int loopback(Packet packet) except -1 nogil
@cython.locals(version=int)
cpdef int raw_ip(Packet packet) except -1 nogil
