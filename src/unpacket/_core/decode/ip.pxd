cimport cython

from unpacket._core.native cimport reads
from unpacket._core.memory.batch cimport i64, u64
from unpacket._core.decode.checksum cimport ones_sum
from unpacket._core.decode.packet cimport Packet

cdef int NONE, ENCAPSULATED, FRAGMENT, ICMP, IP_HEADER, IP_TRUNCATED
cdef int OTHER_PROTOCOL, UDP, MAX_HEADERS, UDP_PORTS
cdef unsigned int ODD_IP_LENGTH, ODD_IP_OPTIONS

cpdef int ip_layer(Packet packet) except -1 nogil
@cython.locals(
    at=i64, left=i64, words_0=i64, words_2=i64, words_4=i64, src=i64, dst=i64, size=i64,
    total=i64, header_sum=u64,
)
cdef int ipv4(Packet packet) except -1 nogil
@cython.locals(option=int, size=i64)
cdef bint refused_options(Packet packet, i64 at, i64 stop) except -1 nogil
@cython.locals(at=i64, left=i64, payload=i64)
cdef int ipv6(Packet packet) except -1 nogil
@cython.locals(at=i64, option=int, size=i64, jumbo=i64, stop=i64)
cdef i64 jumbo_payload(Packet packet) except? -2 nogil
@cython.locals(at=i64, size=i64, left=i64, offset=i64)
cpdef int transport(Packet packet) except -1 nogil
@cython.locals(at=i64, kind=int, last=i64)
cdef int final_destination(Packet packet, i64 size) except -1 nogil
@cython.locals(at=i64, option=int, size=i64)
cdef int home_address(Packet packet, i64 stop) except -1 nogil
@cython.locals(port=i64)
cdef int udp(Packet packet) except -1 nogil
