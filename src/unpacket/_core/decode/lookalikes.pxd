cimport cython

from unpacket._core.decode.packet cimport Packet
from unpacket._core.decode.tunnels.layer2 cimport looks_like_ethernet
from unpacket._core.memory.batch cimport i64
from unpacket._core.native cimport reads

cdef int GENEVE_PORT, GTP_PORT, VXLAN_PORT, MAX_PORTS

@cython.final
cdef class Lookalikes:
    cdef readonly dict counts
    @cython.locals(usual=int, key=tuple)
    cpdef look(self, Packet packet)

@cython.locals(
    at=i64, size=i64, words=i64, last=i64, fits=bint, inner=i64, ethertype=i64
)
cdef int resembled(Packet packet) except -1 nogil
@cython.locals(stop=i64)
cdef bint is_ip(Packet packet, i64 at) except -1 nogil
