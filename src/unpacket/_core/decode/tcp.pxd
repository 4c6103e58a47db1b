cimport cython

from unpacket._core.native cimport loads
from unpacket._core.native cimport reads
from unpacket._core.memory.batch cimport i64, u8, u16, u32, u64
from unpacket._core.decode.checksum cimport ones_sum
from unpacket._core.decode.flow_key cimport RowWriter
from unpacket._core.decode.packet cimport Packet
from unpacket._core.decode.segments cimport Segments

cdef int NONE, TCP_HEADER, TCP_TRUNCATED
cdef int NOT_JUDGED, GOOD, BAD, UNFILLED, MAX_WSCALE
cdef u64 LOW32
cdef u16 ODD_MD5

@cython.final
cdef class TcpLayer:
    cdef RowWriter _rows
    @cython.locals(
        n=Py_ssize_t, at=i64, size=i64, start=i64, options=i64, stop=i64
    )
    cdef int read(
        self, Packet packet, Segments segments, u32 index, i64 time_ns
    ) except -1 nogil

@cython.locals(kind=int, size=i64)
cdef int read_options(
    Packet packet, Segments segments, Py_ssize_t n, i64 at, i64 stop
) except -1 nogil
@cython.locals(field=u64, other=u64, without_length=u64, pseudo=u64)
cdef int judge(Packet packet, i64 at) except -1 nogil
cdef i64 halves(u64 address) except -1 nogil
