cimport cython

from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.delivery cimport (
    deliver, discard, drain, emit, end_at_fin, finish_if_due, mark, refute_fin,
    remember
)
from unpacket._core.reassembly.events cimport Conflict
from unpacket._core.reassembly.gaps cimport watch
from unpacket._core.reassembly.half cimport Half, HalfExtra, direction_of
from unpacket._core.reassembly.held cimport (
    Clash, Held, fin_of, piece_of, Piece as HeldPiece
)
from unpacket._core.reassembly.limits cimport overfull
from unpacket._core.reassembly.segment cimport Segment
from unpacket._core.reassembly.stream cimport Stream

cdef unsigned int ACK, FIN, FIN_SEEN, FINISHED, HAS_CONFLICT
cdef int BY_PLACE
cdef long long AT_ONCE, BUFFER_BYTES, PIECE_BYTES

@cython.locals(extra=HalfExtra, total=cython.longlong, found=Clash)
cpdef long long clashed(
    Context ctx, Stream stream, Half half, list clashes, Segment seg
) except? -1
cpdef repeated(HalfExtra extra, Segment seg)
@cython.locals(
    extra=HalfExtra,
    start=cython.longlong,
    absent=cython.longlong,
    conflicting=cython.longlong,
    copy=HeldPiece,
    clashes=list,
)
cpdef late(
    Context ctx, Stream stream, Half half, Segment seg, long long base, long long stop
)
@cython.locals(total=cython.longlong, low=cython.longlong, high=cython.longlong)
cpdef long long overlap_of(list ranges, long long start, long long stop) except? -1
@cython.locals(offset=cython.longlong, extra=HalfExtra)
cpdef expect_urgent(Half half, Segment seg, long long base)
@cython.locals(
    start=cython.longlong,
    stop=cython.longlong,
    seen=cython.longlong,
    fin=bint,
    extra=HalfExtra,
    origin=cython.longlong,
    begin=cython.longlong,
    payload=bytes,
    piece=HeldPiece,
    shift=cython.longlong,
)
cpdef bint accept(
    Context ctx, Stream stream, Half half, Half peer, Segment seg, long long base
) except -1
@cython.locals(extra=HalfExtra)
cpdef bint came_before(Half half, long long start, long long stop) except -1
cpdef bint holds(Half half) except -1
@cython.locals(
    extra=HalfExtra,
    held=Held,
    before=bint,
    packet_bytes=cython.longlong,
    origin=cython.longlong,
)
cpdef long long place(
    Context ctx, Stream stream, Half half, Segment seg, long long start, long long stop
) except? -1
@cython.locals(
    extra=HalfExtra,
    held=Held,
    before_bytes=cython.longlong,
    before_count=cython.longlong,
    clashes=list,
    lost=cython.longlong,
    conflicting=cython.longlong,
)
cpdef hold(Context ctx, Stream stream, Half half, HeldPiece piece, Segment seg)
