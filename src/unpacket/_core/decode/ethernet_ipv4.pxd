cimport cython

from unpacket._core.native cimport loads
from unpacket._core.memory.batch cimport i64, u64
from unpacket._core.decode.packet cimport Packet

cdef i64 LEAST
cdef unsigned int ODD_IP_LENGTH

@cython.locals(
    at=i64, total=i64, words_0=u64, words_2=u64, words_4=u64,
    src=u64, dst=u64, header_sum=u64,
)
cpdef bint plain(Packet packet, i64 start, i64 captured, i64 original) except -1 nogil
