cimport cython

from unpacket._core.native cimport loads
from unpacket._core.memory.batch cimport i64, u32, u64
from unpacket._core.decode.packet cimport Packet
from unpacket._core.decode.segments cimport Segments

cdef int NOT_JUDGED
cdef u64 HASH_MASK, OTHER_DIRECTION

@cython.final
cdef class RowWriter:
    cdef u64[::1] _keys
    @cython.locals(
        at=i64, ports=u32, src_port=u32, dst_port=u32, word=u64, forward=bint,
        total=u64, identity=u64,
        a_hi=u64, a_lo=u64, b_hi=u64, b_lo=u64, a_port=u64, b_port=u64,
    )
    cdef int write(
        self, Packet packet, i64 start, Segments segments, Py_ssize_t n
    ) except -1 nogil
