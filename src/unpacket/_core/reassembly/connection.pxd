cimport cython

from unpacket._core.reassembly.accounting cimport segment_bytes
from unpacket._core.reassembly.claims cimport (
    claim, drop_claim, forgive, prove_claim, proves
)
from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.delivery cimport discard, finish_if_due, refuse
from unpacket._core.reassembly.ending cimport (
    all_finished, flush, let_go, refuse_candidate
)
from unpacket._core.reassembly.enlisting cimport recall
from unpacket._core.reassembly.events cimport closed
from unpacket._core.reassembly.fins cimport take_fin
from unpacket._core.reassembly.gaps cimport give_up, watch
from unpacket._core.reassembly.half cimport Half, HalfExtra
from unpacket._core.reassembly.handshake cimport (
    announce, choose_isn, is_client, move_base, open_half
)
from unpacket._core.reassembly.intake cimport accept, expect_urgent
from unpacket._core.reassembly.judgement cimport (
    allowed, began_elsewhere, claim_of, doubts_about, is_keep_alive, seen_edge
)
from unpacket._core.reassembly.resets cimport drop_reset
from unpacket._core.reassembly.segment cimport Segment
from unpacket._core.reassembly.stream cimport Stream
from unpacket._core.reassembly.suspects cimport (
    acknowledged, refuse_contradicted, refute, settle_at_end, settle_suspects, suspect
)
from unpacket._core.sequence cimport delta, unwrap

cdef unsigned int ACK, ACK_SEEN, CONFIRMED, DOUBT_ACK, DOUBT_AFTER_FIN, DOUBT_CHECKSUM
cdef unsigned int DOUBT_NO_ACK, DOUBT_TTL, EDGE_KNOWN, FIN, FINISHED, HEARSAY, ODD_MD5
cdef unsigned int OPEN, SYN, SYN_SEEN, TIMESTAMPS, UNSEEN, URG, WAITING, ZERO_WINDOW
cdef int BY_PLACE, CLOSED_BY_END, CLOSED_BY_FIN, CLOSED_BY_INTERRUPTION, CLOSED_BY_LIMIT
cdef int CLOSED_BY_REUSE, CLOSED_BY_RST, CLOSED_BY_SILENCE, CLOSED_BY_TIMEOUT
cdef long long MAX_LEAD, MAX_WINDOW

@cython.locals(first=Half, second=Half)
cpdef close(Context ctx, Stream stream, long long number)
cpdef bint begin_if_waiting(Context ctx, Stream stream, Half half, Half peer) except -1
cpdef bint check_ended(Context ctx, Stream stream, Half half, Half peer) except -1
@cython.locals(extra=HalfExtra, waiting=list, lowest=cython.longlong, seg=Segment)
cpdef bint begin(Context ctx, Stream stream, Half half, Half peer, bint known) except -1
@cython.locals(seg=Segment)
cpdef bint replay(
    Context ctx, Stream stream, Half half, Half peer, list waiting
) except -1
@cython.locals(acked=cython.longlong, edge=cython.longlong, proved=bint, closes=bint)
cpdef acknowledge(Context ctx, Stream stream, Half half, Half peer, Segment seg)
@cython.locals(extra=HalfExtra, closes=bint)
cpdef believe(
    Context ctx,
    Stream stream,
    Half half,
    Half peer,
    Segment seg,
    long long acked,
    long long edge,
)
@cython.locals(
    offset=cython.longlong,
    stop=cython.longlong,
    fin=bint,
    held_fin=bint,
    extra=HalfExtra,
    closes=bint,
)
cpdef receive(Context ctx, Stream stream, Half half, Half peer, Segment seg)
@cython.locals(acked=cython.longlong)
cpdef listen(
    Context ctx, Stream stream, Half half, Half peer, Segment seg, long long offset
)
cpdef close_if(Context ctx, Stream stream, bint closes)
@cython.locals(stop=cython.longlong)
cpdef update(Half half, Segment seg, long long offset)
