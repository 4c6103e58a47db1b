cimport cython

from unpacket._core.native cimport reads
from unpacket._core.memory.batch cimport i64, u64
from unpacket._core.decode.link cimport (
    header, logical_link, loopback, network_type, raw_ip,
)
from unpacket._core.decode.packet cimport Packet

cdef int ENCAPSULATED, LINK_HEADER, LINK_TRUNCATED, NOT_IP, UNKNOWN_LINK_TYPE
cdef int BYTES_SWAPPED, LINK_TYPES
cdef u64 ATM, AVS, ENC, FDDI, FIBRE_CHANNEL, FIREWIRE, FRAME_RELAY, HDLC
cdef u64 NETANALYZER, NFLOG, PFLOG, PKTAP, PPI, PRISM, RADIOTAP, TOKEN_RING, WLAN

cpdef int framing(Packet packet, int link_type) except -1 nogil
@cython.locals(value=i64)
cdef i64 little16(Packet packet, i64 at) except -1 nogil
cdef i64 little32(Packet packet, i64 at) except -1 nogil
cdef int ahead(Packet packet, u64 kind, i64 size) except -1 nogil
cdef int bare(Packet packet, u64 kind, i64 size) except -1 nogil
@cython.locals(address=int)
cdef int ppp(Packet packet) except -1 nogil
cdef int cisco(Packet packet) except -1 nogil
@cython.locals(at=i64, size=i64)
cdef int token_ring(Packet packet) except -1 nogil
@cython.locals(at=i64, following=int)
cdef int frame_relay(Packet packet) except -1 nogil
@cython.locals(at=i64, family=int, size=i64, kind=i64)
cdef int nflog(Packet packet) except -1 nogil
cdef int packet_filter(Packet packet) except -1 nogil
@cython.locals(at=i64)
cdef int packet_tap(Packet packet) except -1 nogil
@cython.locals(at=i64)
cdef int per_packet_information(Packet packet) except -1 nogil
cdef int nested(Packet packet, i64 size, i64 link_type) except -1 nogil
@cython.locals(at=i64)
cdef int prism(Packet packet) except -1 nogil
@cython.locals(at=i64)
cdef int avs(Packet packet) except -1 nogil
@cython.locals(at=i64, size=i64, present=i64, first=i64, word=i64, flags=int)
cdef int radiotap(Packet packet) except -1 nogil
cdef int monitored(Packet packet, i64 size, int flags) except -1 nogil
@cython.locals(
    at=i64, kind=int, control=int, size=i64, quality=i64, several=bint, fragment=bint
)
cpdef int wireless(Packet packet, int flags) except -1 nogil
@cython.locals(at=i64, size=i64)
cdef int aggregate(Packet packet) except -1 nogil
