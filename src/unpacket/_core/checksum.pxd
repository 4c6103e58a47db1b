cimport cython

from unpacket._core.batch cimport i64, u32
from unpacket._core.packet cimport Packet

cdef bint LITTLE_ENDIAN
cdef i64 BLOCK_WORDS

@cython.locals(first=i64, last=i64, block=i64, i=i64, total=i64, odd=i64, partial=u32)
cpdef i64 ones_sum(Packet packet, i64 start, i64 stop) except? -1 nogil
