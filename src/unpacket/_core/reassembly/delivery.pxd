cimport cython

from unpacket._core.reassembly.context cimport (Context)
from unpacket._core.reassembly.events cimport Conflict, Data, Finished, finished
from unpacket._core.reassembly.held cimport (Clash, Held, piece_of)
from unpacket._core.reassembly.held cimport (Piece as HeldPiece)
from unpacket._core.reassembly.stream cimport (Half, HalfExtra, Segment, Stream, direction_of)

cdef unsigned int FIN, FIN_SEEN, FINISHED, IGNORED, SIMPLE, HAS_GAP, HAS_CONFLICT, OPEN
cdef long long NEVER, PIECE_BYTES
cdef int GRACE

cdef Py_ssize_t MAX_SUSPECTS

@cython.locals(extra=HalfExtra)
cpdef emit(Context ctx, Half half, event)
@cython.locals(extra=HalfExtra)
cpdef discard(Half half, long long count)
@cython.locals(offset=cython.longlong, event=Data, extra=HalfExtra, waits=bint)
cpdef deliver(
    Context ctx,
    Stream stream,
    Half half,
    long long length,
    bytes payload,
    list parts,
    long long frame,
    long long time_ns,
)
@cython.locals(extra=HalfExtra, offset=cython.longlong)
cpdef miss(Context ctx, Stream stream, Half half, long long stop, reason)
@cython.locals(start=cython.longlong)
cpdef miss_by_evidence(Context ctx, Stream stream, Half half, long long stop)
@cython.locals(extra=HalfExtra, data=Data, head=Data, size=cython.longlong)
cpdef release(Context ctx, Half half, bint everything)
cpdef give_out(Context ctx, Half half, Data data)
@cython.locals(start=cython.longlong, stop=cython.longlong)
cpdef HeldPiece part(Data event)
@cython.locals(piece=HeldPiece)
cpdef tuple split(Data event, long long offset)
cpdef remember(Context ctx, Half half, long long offset, bytes payload, long long frame)
@cython.locals(
    extra=HalfExtra, held=Held, first=HeldPiece, piece=HeldPiece, parts=list,
    payloads=list, start=cython.longlong, stop=cython.longlong, payload=bytes,
    joined=bytes, wanted=bint,
)
cpdef drain(Context ctx, Stream stream, Half half)
@cython.locals(extra=HalfExtra)
cpdef finish_if_due(Context ctx, Stream stream, Half half)
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
@cython.locals(
    extra=HalfExtra, start=cython.longlong, stop=cython.longlong,
    seen=cython.longlong, begin=cython.longlong, payload=bytes, piece=HeldPiece,
)
cpdef bint accept(
    Context ctx, Stream stream, Half half, Half peer, Segment seg, long long base
) except -1
@cython.locals(extra=HalfExtra)
cpdef bint holds(Half half) except -1
@cython.locals(
    extra=HalfExtra, held=Held, before_bytes=cython.longlong,
    before_count=cython.longlong, lost=cython.longlong, conflicting=cython.longlong,
    clashes=list,
)
cpdef hold(Context ctx, Stream stream, Half half, HeldPiece piece, Segment seg)
@cython.locals(extra=HalfExtra)
cpdef Py_ssize_t hole_end(Half half) except -2
@cython.locals(extra=HalfExtra, stop=cython.longlong)
cpdef watch(Context ctx, Stream stream, Half half)
@cython.locals(stop=cython.longlong)
cpdef give_up(Context ctx, Stream stream, Half half, long long acked)
@cython.locals(extra=HalfExtra, stop=cython.longlong, edge=cython.longlong)
cpdef grace_over(Context ctx, Stream stream, Half half)
@cython.locals(extra=HalfExtra, held=Held, size=cython.longlong, count=cython.longlong)
cpdef bint exceeds(Context ctx, Half half, Half other) except -1
@cython.locals(extra=HalfExtra, other=Half)
cpdef bint overfull(Context ctx, Stream stream, Half half, Half peer) except -1
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
@cython.locals(hops=cython.longlong)
cpdef bint far_ttl(Context ctx, Half half, Segment seg) noexcept
@cython.locals(payload=bytes)
cpdef refuse_rest(
    Context ctx,
    Stream stream,
    Half half,
    Segment seg,
    long long base,
    long long size,
)
@cython.locals(extra=HalfExtra, closes=bint)
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
@cython.locals(end=cython.longlong, extra=HalfExtra)
cpdef skip(Context ctx, Stream stream, Half half, long long stop)
@cython.locals(extra=HalfExtra, stop=cython.longlong, fin=cython.longlong)
cpdef flush(Context ctx, Stream stream, Half half, Half peer)
@cython.locals(extra=HalfExtra)
cpdef settle(Half half)
