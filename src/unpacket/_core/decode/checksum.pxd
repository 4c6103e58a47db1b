cimport cython

from unpacket._core cimport inline_sums as sums
from unpacket._core.batch cimport i64
from unpacket._core.packet cimport Packet

cdef bint LITTLE_ENDIAN

@cython.locals(first=i64, last=i64, total=i64, odd=i64)
cpdef i64 ones_sum(Packet packet, i64 start, i64 stop) except? -1 nogil
