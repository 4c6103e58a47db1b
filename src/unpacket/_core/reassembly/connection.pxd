cimport cython

from unpacket._core.reassembly.context cimport (Context)
from unpacket._core.reassembly.events cimport closed, opened
from unpacket._core.reassembly.delivery cimport (
    accept, acknowledged, discard, far_ttl, finish_if_due, flush, give_up, repeated,
    suspect, watch
)
from unpacket._core.sequence cimport (delta, unwrap)
from unpacket._core.reassembly.stream cimport (Half, HalfExtra, Segment, Stream, recall)

cdef unsigned int FIN, SYN, RST, ACK, SYN_SEEN, FINISHED, SUM_GOOD, ACK_SEEN
cdef unsigned int TIMESTAMPS, SACK_PERMITTED, CONFIRMED, ZERO_WINDOW, EDGE_KNOWN
cdef unsigned int IS_CLIENT, FIN_SEEN, RST_SEEN, UNSEEN, WAITING, OPEN, UNKNOWN_SCALE
cdef unsigned int NO_SCALE, BY_SYN, BY_SYN_ACK, BY_PORT, BY_FIRST, SIMPLE
cdef int BEGINNING, GOES_ON, ENDED, REUSED
cdef long long PIECE_BYTES, LOW32

cdef unsigned int BAD_CHECKSUM, GOOD_CHECKSUM
cdef long long MAX_WINDOW, MAX_LEAD, LEAST_WINDOW, FIRST_FLIGHT
cdef int BY_FIN, BY_TIMEOUT, BY_END
cdef Py_ssize_t MAX_ISNS
cdef long long MOST_COLLECTED
cdef unsigned int WELL_KNOWN

cpdef bint is_client(Half half) noexcept
cpdef set_client(Stream stream, Half half, Half peer, unsigned int evidence)
@cython.locals(
    low=cython.uint, high=cython.uint, a_is_client=bint, client=bint, half=Half
)
cpdef announce(Context ctx, Stream stream)
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
@cython.locals(known=bint, same=bint, late=cython.longlong)
cpdef bint begins_another(Half half, long long seq, unsigned int flags) except -1
@cython.locals(
    candidate=Segment, from_candidate=bint, first=cython.longlong, ahead=cython.longlong
)
cpdef bint confirms(Stream stream, Half half, Half peer, Segment seg) except -1
@cython.locals(ahead=cython.longlong)
cpdef bint far(Half half, long long seq) noexcept
@cython.locals(base=cython.longlong, waiting=list, extra=HalfExtra)
cpdef synchronise(Context ctx, Stream stream, Half half, Half peer, Segment seg)
cpdef handshake_options(Half half, Half peer, Segment seg)
@cython.locals(untouched=bint, extra=HalfExtra, offset=cython.longlong)
cpdef bint other_isn(
    Context ctx, Stream stream, Half half, Half peer, Segment seg, long long base
) except -1
@cython.locals(
    extra=HalfExtra,
    before=cython.longlong,
    moved=cython.longlong,
    best=cython.longlong,
    ahead=cython.longlong,
    index=Py_ssize_t,
)
cpdef choose_isn(Half half, long long seq)
@cython.locals(
    acked=cython.longlong, edge=cython.longlong, extra=HalfExtra, closes=bint
)
cpdef acknowledge(Context ctx, Stream stream, Half half, Half peer, Segment seg)
@cython.locals(window=cython.longlong)
cpdef long long allowed(Half half, Half peer, Segment seg) noexcept
@cython.locals(
    offset=cython.longlong, stop=cython.longlong, fin=bint, established=bint,
    believed=bint,
    extra=HalfExtra, closes=bint,
)
cpdef receive(Context ctx, Stream stream, Half half, Half peer, Segment seg)
cpdef bint timely(Context ctx, Half half, Half peer, Segment seg) noexcept
cpdef update(Half half, Segment seg, long long offset)
cpdef bint is_keep_alive(Half half, long long offset) noexcept
@cython.locals(extra=HalfExtra)
cpdef bint take_fin(
    Context ctx, Stream stream, Half half, Segment seg, long long stop
) except -1
cpdef bint beyond_window(Context ctx, Half half, long long stop) noexcept
@cython.locals(stop=cython.longlong)
cpdef object doubt(Context ctx, Half half, Half peer, Segment seg, long long offset)
cpdef reset(Context ctx, Stream stream, Half half, Half peer, Segment seg)
@cython.locals(
    ahead=cython.longlong, offset=cython.longlong, low=cython.longlong,
    high=cython.longlong,
)
cpdef bint credible_reset(Context ctx, Half half, Half peer, Segment seg) except -1
cpdef unsigned int shift_of(Half half, Half peer) noexcept
