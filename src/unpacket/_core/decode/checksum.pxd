cimport cython

from unpacket._core.native cimport sums
from unpacket._core.memory.batch cimport i64
from unpacket._core.decode.packet cimport Packet

cdef bint LITTLE_ENDIAN

@cython.locals(first=i64, last=i64, total=i64, odd=i64)
cpdef i64 ones_sum(Packet packet, i64 start, i64 stop) except? -1 nogil
