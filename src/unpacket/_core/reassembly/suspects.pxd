cimport cython

from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.delivery cimport finish_if_due, release
from unpacket._core.reassembly.gaps cimport watch
from unpacket._core.reassembly.half cimport Half, HalfExtra
from unpacket._core.reassembly.held cimport Piece as HeldPiece, piece_of
from unpacket._core.reassembly.intake cimport accept, expect_urgent
from unpacket._core.reassembly.judgement cimport far_ttl
from unpacket._core.reassembly.segment cimport Segment
from unpacket._core.reassembly.stream cimport Stream

cdef unsigned int FIN, FIN_SEEN, FINISHED, URG
cdef long long PIECE_BYTES
cdef int BY_PLACE
cdef Py_ssize_t MAX_SUSPECTS

@cython.locals(extra=HalfExtra, closes=bint)
cpdef bint acknowledged(Context ctx, Stream stream, Half half, Half peer) except -1
@cython.locals(extra=HalfExtra)
cpdef bint suspect(
    Context ctx,
    Stream stream,
    Half half,
    Half peer,
    Segment seg,
    long long base,
    reason,
) except -1
@cython.locals(
    extra=HalfExtra,
    seg=Segment,
    base=cython.longlong,
    keep=list,
    suspects=list,
    closes=bint,
)
cpdef bint settle_oldest(Context ctx, Stream stream, Half half, Half peer) except -1
@cython.locals(payload=bytes)
cpdef refuse_rest(
    Context ctx,
    Stream stream,
    Half half,
    Segment seg,
    long long base,
    long long size,
)
@cython.locals(extra=HalfExtra, closes=bint, held_fin=bint)
cpdef bint settle_one(
    Context ctx,
    Stream stream,
    Half half,
    Half peer,
    Segment seg,
    long long base,
    reason,
    bint accepted,
) except -1
@cython.locals(
    extra=HalfExtra,
    closes=bint,
    keep=list,
    suspects=list,
    silent=bint,
    seg=Segment,
    base=cython.longlong,
    stop=cython.longlong,
    wanted=cython.longlong,
    accepted=bint,
    partly=bint,
)
cpdef bint settle_suspects(
    Context ctx, Stream stream, Half half, Half peer, bint at_end
) except -1
@cython.locals(extra=HalfExtra, stop=cython.longlong)
cpdef settle_fin(
    Context ctx, Stream stream, Half half, Segment seg, long long base, str reason
)
@cython.locals(stop=cython.longlong, piece=HeldPiece, extra=HalfExtra)
cpdef bint contradicted(Context ctx, Half half, Segment seg, long long base) except -1
