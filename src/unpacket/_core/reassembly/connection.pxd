cimport cython

from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.delivery cimport (
    discard, drain, finish_if_due, miss, miss_by_evidence, release
)
from unpacket._core.reassembly.events cimport closed
from unpacket._core.reassembly.gaps cimport give_up, hole_end, watch
from unpacket._core.reassembly.half cimport Half, HalfExtra
from unpacket._core.reassembly.handshake cimport (
    announce, choose_isn, handshake_options, is_client, set_client
)
from unpacket._core.reassembly.intake cimport accept, expect_urgent, repeated
from unpacket._core.reassembly.judgement cimport (
    allowed, begins_another, beyond_window, confirms, credible_reset, doubt,
    is_keep_alive, timely
)
from unpacket._core.reassembly.segment cimport Segment
from unpacket._core.reassembly.stream cimport Stream, recall
from unpacket._core.reassembly.suspects cimport acknowledged, settle_suspects, suspect
from unpacket._core.sequence cimport delta, unwrap

cdef unsigned int OPEN, FIN, SYN, RST, ACK, SYN_SEEN, FINISHED, SUM_GOOD, ACK_SEEN
cdef unsigned int TIMESTAMPS, CONFIRMED, ZERO_WINDOW, EDGE_KNOWN, FIN_SEEN, RST_SEEN
cdef unsigned int UNSEEN, WAITING, BY_SYN, BY_SYN_ACK, SIMPLE, BAD_CHECKSUM
cdef unsigned int GOOD_CHECKSUM, URG
cdef int BY_PLACE
cdef int BEGINNING, GOES_ON, ENDED, REUSED, BY_FIN, BY_TIMEOUT, BY_END
cdef long long PIECE_BYTES, LOW32, MAX_WINDOW, MAX_LEAD, MOST_COLLECTED
cdef Py_ssize_t MAX_ISNS

@cython.locals(extra=HalfExtra, stop=cython.longlong, fin=cython.longlong)
cpdef flush(Context ctx, Stream stream, Half half, Half peer)
@cython.locals(first=Half, second=Half)
cpdef close(Context ctx, Stream stream, int number)
@cython.locals(extra=HalfExtra)
cpdef let_go(Context ctx, Half half)
@cython.locals(half=Half)
cpdef refuse_candidate(Context ctx, Stream stream)
cpdef bint begin_if_waiting(
    Context ctx, Stream stream, Half half, Half peer
) except -1
cpdef bint all_finished(Half first, Half second) noexcept
cpdef bint check_ended(Context ctx, Stream stream, Half half, Half peer) except -1
@cython.locals(ahead=cython.longlong)
cpdef open_half(Context ctx, Half half, long long base_seq)
@cython.locals(extra=HalfExtra, waiting=list, lowest=cython.longlong, seg=Segment)
cpdef bint begin(Context ctx, Stream stream, Half half, Half peer) except -1
@cython.locals(seg=Segment)
cpdef bint replay(
    Context ctx, Stream stream, Half half, Half peer, list waiting
) except -1
@cython.locals(
    extra=HalfExtra, ahead=cython.longlong, waiting=list, count=cython.longlong,
    item=Segment,
)
cpdef bint collect(
    Context ctx, Stream stream, Half half, Half peer, Segment seg
) except -1
cpdef int process(
    Context ctx, Stream stream, Half half, Half peer, Segment seg
) except -1
@cython.locals(extra=HalfExtra)
cpdef int closed_already(Context ctx, Stream stream, Half half, Segment seg) except -1
@cython.locals(base=cython.longlong, waiting=list, extra=HalfExtra)
cpdef synchronise(Context ctx, Stream stream, Half half, Half peer, Segment seg)
@cython.locals(untouched=bint, extra=HalfExtra, offset=cython.longlong)
cpdef bint other_isn(
    Context ctx, Stream stream, Half half, Half peer, Segment seg, long long base
) except -1
@cython.locals(
    acked=cython.longlong, edge=cython.longlong, extra=HalfExtra, closes=bint
)
cpdef acknowledge(Context ctx, Stream stream, Half half, Half peer, Segment seg)
@cython.locals(
    offset=cython.longlong, stop=cython.longlong, fin=bint, established=bint,
    believed=bint, held_fin=bint,
    extra=HalfExtra, closes=bint,
)
cpdef receive(Context ctx, Stream stream, Half half, Half peer, Segment seg)
cpdef update(Half half, Segment seg, long long offset)
@cython.locals(extra=HalfExtra)
cpdef bint take_fin(
    Context ctx, Stream stream, Half half, Segment seg, long long stop
) except -1
cpdef reset(Context ctx, Stream stream, Half half, Half peer, Segment seg)
