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
from unpacket._core.reassembly.events cimport closed
from unpacket._core.reassembly.fins cimport take_fin
from unpacket._core.reassembly.gaps cimport give_up, watch
from unpacket._core.reassembly.half cimport Half, HalfExtra
from unpacket._core.reassembly.handshake cimport (
    announce, choose_acknowledged, choose_isn, handshake_options, is_client,
    move_base, note_isn, set_client
)
from unpacket._core.reassembly.intake cimport accept, expect_urgent, repeated
from unpacket._core.reassembly.judgement cimport (
    allowed, began_elsewhere, claim_of, confirms, credible_reset, doubts_about, far_ttl,
    is_keep_alive, is_stray_syn, oddities, seen_edge, timely
)
from unpacket._core.reassembly.pending cimport Reset
from unpacket._core.reassembly.resets cimport begin_reset, take_queue
from unpacket._core.reassembly.segment cimport Segment
from unpacket._core.reassembly.stream cimport Stream, recall
from unpacket._core.reassembly.suspects cimport (
    acknowledged, refuse_contradicted, refute, settle_at_end, settle_suspects,
    suspect
)
from unpacket._core.sequence cimport delta, unwrap

cdef unsigned int ACK, ACK_SEEN, BAD_CHECKSUM, BY_SYN, BY_SYN_ACK, CONFIRMED
cdef unsigned int DOUBT_ACK, DOUBT_AFTER_FIN, DOUBT_CHECKSUM, DOUBT_FAST_OPEN
cdef unsigned int DOUBT_NO_ACK, DOUBT_TIMESTAMP, DOUBT_TTL, EDGE_KNOWN, FIN
cdef unsigned int FINISHED, GOOD_CHECKSUM, HEARSAY, ODD, ODD_MD5, OPEN, RST
cdef unsigned int RST_SEEN
cdef unsigned int SUM_GOOD, SYN, SYN_SEEN, TIMESTAMPS, UNSEEN, URG, WAITING
cdef unsigned int ZERO_WINDOW
cdef int BEGINNING, BY_PLACE, CLOSED_BY_END, CLOSED_BY_FIN, CLOSED_BY_LIMIT
cdef int CLOSED_BY_INTERRUPTION
cdef int CLOSED_BY_REUSE, CLOSED_BY_RST, CLOSED_BY_SILENCE, CLOSED_BY_TIMEOUT
cdef int ENDED, GOES_ON, RESET
cdef int REUSED
cdef long long LOW32, MAX_LEAD, MAX_WINDOW, MOST_COLLECTED

@cython.locals(first=Half, second=Half)
cpdef close(Context ctx, Stream stream, long long number)
cpdef bint begin_if_waiting(Context ctx, Stream stream, Half half, Half peer) except -1
cpdef bint check_ended(Context ctx, Stream stream, Half half, Half peer) except -1
@cython.locals(ahead=cython.longlong)
cpdef open_half(Context ctx, Half half, long long base_seq)
@cython.locals(extra=HalfExtra, waiting=list, lowest=cython.longlong, seg=Segment)
cpdef bint begin(Context ctx, Stream stream, Half half, Half peer, bint known) except -1
@cython.locals(seg=Segment)
cpdef bint replay(
    Context ctx, Stream stream, Half half, Half peer, list waiting
) except -1
@cython.locals(
    extra=HalfExtra,
    waiting=list,
    count=cython.longlong,
    item=Segment,
    ahead=cython.longlong,
)
cpdef bint collect(
    Context ctx, Stream stream, Half half, Half peer, Segment seg
) except -1
@cython.locals(from_a=bint, other=Segment)
cpdef long long process(
    Context ctx, Stream stream, Half half, Half peer, Segment seg
) except? -1
cpdef bint damaged_in_part(Context ctx, Half half, Segment seg) except -1
@cython.locals(base=cython.longlong, waiting=list, extra=HalfExtra)
cpdef synchronise(Context ctx, Stream stream, Half half, Half peer, Segment seg)
@cython.locals(untouched=bint, offset=cython.longlong)
cpdef bint other_isn(
    Context ctx, Stream stream, Half half, Half peer, Segment seg, long long base
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
@cython.locals(from_a=bint, item=Segment, sender=Half, half=Half)
cpdef drop_reset(Context ctx, Stream stream, Reset waits)
@cython.locals(stop=cython.longlong)
cpdef update(Half half, Segment seg, long long offset)
@cython.locals(doubts=cython.uint, waits=Reset)
cpdef reset(Context ctx, Stream stream, Half half, Half peer, Segment seg)
cpdef end_by_reset(Context ctx, Stream stream, Half half, Half peer, Segment seg)
