cimport cython

from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.delivery cimport (
    deliver, drain, emit, end_at_fin, finish_if_due, remember
)
from unpacket._core.reassembly.events cimport Conflict
from unpacket._core.reassembly.gaps cimport watch
from unpacket._core.reassembly.half cimport Half, HalfExtra, direction_of
from unpacket._core.reassembly.held cimport (
    Clash, Held, Piece as HeldPiece, fin_of, piece_of
)
from unpacket._core.reassembly.limits cimport overfull
from unpacket._core.reassembly.segment cimport Segment
from unpacket._core.reassembly.stream cimport Stream

cdef unsigned int ACK, HAS_CONFLICT, FIN, FINISHED
cdef long long BUFFER_BYTES, PIECE_BYTES
cdef int BY_PLACE
cdef long long AT_ONCE

@cython.locals(extra=HalfExtra, found=Clash, total=cython.longlong)
cpdef Py_ssize_t clashed(
    Context ctx, Stream stream, Half half, list clashes, Segment seg
) except -1
cpdef repeated(HalfExtra extra, Segment seg)
@cython.locals(
    extra=HalfExtra, start=cython.longlong, conflicting=cython.longlong, copy=HeldPiece,
    clashes=list,
)
cpdef late(
    Context ctx, Stream stream, Half half, Segment seg, long long base, long long stop
)
@cython.locals(extra=HalfExtra, offset=cython.longlong)
cpdef expect_urgent(Half half, Segment seg, long long base)
@cython.locals(
    extra=HalfExtra, start=cython.longlong, stop=cython.longlong,
    seen=cython.longlong, begin=cython.longlong, payload=bytes, piece=HeldPiece,
    fin=bint, length=cython.longlong, origin=cython.longlong, shift=cython.longlong,
    ack=cython.longlong,
)
cpdef bint accept(
    Context ctx, Stream stream, Half half, Half peer, Segment seg, long long base
) except -1
@cython.locals(extra=HalfExtra)
cpdef bint holds(Half half) except -1
@cython.locals(
    extra=HalfExtra, held=Held, before=Py_ssize_t, packet_bytes=cython.longlong,
    origin=cython.longlong,
)
cdef long long place(
    Context ctx, Stream stream, Half half, Segment seg, long long start, long long stop
) except? -1
@cython.locals(
    extra=HalfExtra, held=Held, before_bytes=cython.longlong,
    before_count=cython.longlong, lost=cython.longlong, conflicting=cython.longlong,
    clashes=list,
)
cpdef hold(Context ctx, Stream stream, Half half, HeldPiece piece, Segment seg)
