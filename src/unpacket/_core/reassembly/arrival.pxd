cimport cython

from unpacket._core.reassembly.accounting cimport segment_bytes
from unpacket._core.reassembly.connection cimport (
    acknowledge, begin, close, receive, replay
)
from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.delivery cimport discard, refuse
from unpacket._core.reassembly.ending cimport refuse_candidate
from unpacket._core.reassembly.half cimport Half, HalfExtra
from unpacket._core.reassembly.handshake cimport (
    announce, choose_acknowledged, handshake_options, note_isn, open_half, set_client
)
from unpacket._core.reassembly.intake cimport repeated
from unpacket._core.reassembly.judgement cimport (
    confirms, credible_reset, far_ttl, is_stray_syn, oddities, timely
)
from unpacket._core.reassembly.pending cimport Reset
from unpacket._core.reassembly.resets cimport begin_reset
from unpacket._core.reassembly.segment cimport Segment
from unpacket._core.reassembly.stream cimport Stream
from unpacket._core.reassembly.suspects cimport acknowledged, suspect
from unpacket._core.sequence cimport delta, unwrap

cdef unsigned int ACK, ACK_SEEN, BAD_CHECKSUM, BY_SYN, BY_SYN_ACK, CONFIRMED
cdef unsigned int DOUBT_CHECKSUM, DOUBT_FAST_OPEN, DOUBT_TIMESTAMP, DOUBT_TTL
cdef unsigned int EDGE_KNOWN, FIN, GOOD_CHECKSUM, ODD, ODD_MD5, OPEN, RST, RST_SEEN
cdef unsigned int SUM_GOOD, SYN, SYN_SEEN, UNSEEN, WAITING
cdef int BEGINNING, CLOSED_BY_RST, ENDED, GOES_ON, RESET, REUSED
cdef long long LOW32, MAX_LEAD, MOST_COLLECTED

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
@cython.locals(doubts=cython.uint, waits=Reset)
cpdef reset(Context ctx, Stream stream, Half half, Half peer, Segment seg)
cpdef end_by_reset(Context ctx, Stream stream, Half half, Half peer, Segment seg)
