cimport cython

from unpacket._core.reassembly.accounting cimport segment_bytes
from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.delivery cimport (
    disputed, drain, finish_if_due, note_fin, refuse, refute_fin
)
from unpacket._core.reassembly.gaps cimport watch
from unpacket._core.reassembly.half cimport Half, HalfExtra
from unpacket._core.reassembly.held cimport Held, Piece as HeldPiece, piece_of
from unpacket._core.reassembly.intake cimport accept, expect_urgent
from unpacket._core.reassembly.judgement cimport beyond_window, far_ttl, seen_edge
from unpacket._core.reassembly.pending cimport Suspect
from unpacket._core.reassembly.release cimport release
from unpacket._core.reassembly.segment cimport Segment
from unpacket._core.reassembly.stream cimport Stream
from unpacket._core.sequence cimport unwrap

cdef unsigned int ACK, DOUBT_ACK, DOUBT_AFTER_FIN, DOUBT_CHECKSUM, DOUBT_FAST_OPEN
cdef unsigned int DOUBT_FIN, DOUBT_PROBE, DOUBT_TTL, DOUBT_WINDOW, FIN, FINISHED
cdef unsigned int OBSERVER, OPEN, URG, USUAL
cdef int ACCEPTED, BY_PLACE, REFUSED, WAITS
cdef long long SUSPECT_BYTES
cdef Py_ssize_t MAX_SUSPECTS

@cython.locals(extra=HalfExtra)
cpdef bint suspect(
    Context ctx, Stream stream, Half half, Half peer, Segment seg, long long base
) except -1
@cython.locals(seg=Segment, doubts=cython.uint, stop=cython.longlong, extra=HalfExtra)
cpdef long long weigh(Context ctx, Half half, Suspect item, long long edge) except? -1
@cython.locals(
    seg=Segment, silent=bint, verdict=int, usual=bint, extra=HalfExtra
)
cpdef long long weigh_at_end(Context ctx, Half half, Half peer, Suspect item) except? -1
@cython.locals(
    extra=HalfExtra,
    closes=bint,
    before=bint,
    again=bint,
    suspects=list,
    keep=list,
    item=Suspect,
    seg=Segment,
    verdict=int,
)
cpdef bint settle_suspects(
    Context ctx, Stream stream, Half half, Half peer, long long edge
) except -1
@cython.locals(
    extra=HalfExtra,
    before=bint,
    at=cython.longlong,
    item=Suspect,
    verdict=int,
)
cpdef bint settle_at_end(Context ctx, Stream stream, Half half, Half peer) except -1
@cython.locals(
    extra=HalfExtra,
    item=Suspect,
    verdict=int,
    weak=bint,
    accepted=bint,
    closes=bint,
)
cpdef bint settle_oldest(Context ctx, Stream stream, Half half, Half peer) except -1
@cython.locals(doubts=cython.uint, grave=cython.uint)
cpdef gravity(Suspect item)
@cython.locals(payload=bytes)
cpdef refuse_rest(
    Context ctx, Stream stream, Half half, Segment seg, long long base, long long size
)
@cython.locals(
    seg=Segment,
    base=cython.longlong,
    extra=HalfExtra,
    doubts=cython.uint,
    closes=bint,
    held_fin=bint,
)
cpdef bint settle_one(
    Context ctx, Stream stream, Half half, Half peer, Suspect item, bint accepted
) except -1
@cython.locals(acked=cython.longlong, before=cython.longlong)
cpdef give_before(Context ctx, Half peer, Segment seg)
@cython.locals(extra=HalfExtra, stop=cython.longlong)
cpdef settle_fin(Context ctx, Stream stream, Half half, Segment seg, long long base)
@cython.locals(stop=cython.longlong, piece=HeldPiece, extra=HalfExtra)
cpdef bint contradicted(Context ctx, Half half, Segment seg, long long base) except -1
@cython.locals(extra=HalfExtra, keep=list, item=Suspect)
cpdef refuse_contradicted(
    Context ctx, Stream stream, Half half, Segment seg, long long base
)
@cython.locals(
    other=Segment,
    start=cython.longlong,
    stop=cython.longlong,
    ours=bytes,
    theirs=bytes,
)
cpdef bint differs(Suspect item, Segment seg, long long base) except -1
@cython.locals(item=Suspect)
cpdef refute(Half half, long long offset)
@cython.locals(extra=HalfExtra, closes=bint)
cpdef bint acknowledged(Context ctx, Stream stream, Half half, Half peer) except -1
@cython.locals(extra=HalfExtra, item=Suspect)
cpdef bint fills(Half half) except -1
@cython.locals(extra=HalfExtra, held=Held, item=Suspect)
cpdef bint went_on(Half half, Half peer) except -1
