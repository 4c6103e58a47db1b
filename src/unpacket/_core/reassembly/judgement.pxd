cimport cython

from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.half cimport Half, HalfExtra
from unpacket._core.reassembly.pending cimport Suspect
from unpacket._core.reassembly.segment cimport Segment
from unpacket._core.reassembly.stream cimport Stream
from unpacket._core.sequence cimport delta, unwrap

cdef unsigned int ACK, ACK_SEEN, DOUBT_ACK, DOUBT_FRAGMENTS, DOUBT_IP_LENGTH
cdef unsigned int DOUBT_IP_OPTIONS, ODD_FRAGMENTS
cdef unsigned int DOUBT_MD5, DOUBT_NO_ACK, DOUBT_PROBE, DOUBT_TIMESTAMP, DOUBT_TTL
cdef unsigned int DOUBT_WINDOW, EDGE_KNOWN, FIN, FINISHED, NO_SCALE, ODD, ODD_IP_LENGTH
cdef unsigned int ODD_IP_OPTIONS, ODD_MD5, OPEN, RST, SYN, SYN_SEEN, TIMESTAMPS
cdef unsigned int UNKNOWN_SCALE, UNSEEN, ZERO_WINDOW
cdef long long FAR, FIRST_FLIGHT, LEAST_WINDOW, LOW32, MAX_LEAD, MAX_WINDOW, PAWS_TICKS

@cython.locals(doubts=cython.uint, stop=cython.longlong, fin=bint, established=bint)
cpdef long long doubts_about(
    Context ctx, Half half, Half peer, Segment seg, long long offset
) except? -1
@cython.locals(doubts=cython.uint)
cpdef long long oddities(Context ctx, Half half, Segment seg) except? -1
@cython.locals(hops=cython.longlong)
cpdef bint far_ttl(Context ctx, Half half, Segment seg) except -1
cpdef bint timely(Context ctx, Half half, Half peer, Segment seg) except -1
cpdef bint news(Half peer, Segment seg) except -1
@cython.locals(edge=cython.longlong, item=Suspect)
cpdef long long seen_edge(Half half) except? -1
@cython.locals(edge=cython.longlong)
cpdef long long sure_edge(Half half) except? -1
@cython.locals(acked=cython.longlong, widest=cython.longlong)
cpdef bint acknowledges_wrongly(Half half, Half peer, Segment seg) except -1
cpdef long long claim_of(Half half) except? -1
cpdef bint beyond_window(Context ctx, Half half, long long stop) except -1
@cython.locals(window=cython.longlong)
cpdef long long allowed(Context ctx, Half half, Half peer, Segment seg) except? -1
cpdef long long shift_of(Half half, Half peer) except? -1
cpdef bint is_stray_syn(
    Half half, Half peer, Segment seg, long long base_seq
) except -1
cpdef bint began_elsewhere(
    Half half, Half peer, Segment seg, long long offset
) except -1
cpdef bint is_keep_alive(Half half, long long offset) except -1
@cython.locals(
    offset=cython.longlong,
    low=cython.longlong,
    high=cython.longlong,
    ahead=cython.longlong,
)
cpdef bint credible_reset(Context ctx, Half half, Half peer, Segment seg) except -1
@cython.locals(edge=cython.longlong, extra=HalfExtra)
cpdef bint is_exact(Half half, long long offset) except -1
@cython.locals(ahead=cython.longlong)
cpdef bint far(Half half, long long seq, long long distance) except -1
@cython.locals(known=bint, late=cython.longlong, same=bint)
cpdef bint begins_another(Half half, long long seq, long long flags) except -1
@cython.locals(
    candidate=Segment,
    from_candidate=bint,
    first=cython.longlong,
    ahead=cython.longlong,
)
cpdef bint confirms(Stream stream, Half half, Half peer, Segment seg) except -1
