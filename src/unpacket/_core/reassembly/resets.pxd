cimport cython

from unpacket._core.reassembly.accounting cimport segment_bytes
from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.delivery cimport discard
from unpacket._core.reassembly.half cimport Half
from unpacket._core.reassembly.judgement cimport sure_edge
from unpacket._core.reassembly.pending cimport Range, Reset
from unpacket._core.reassembly.segment cimport Segment
from unpacket._core.reassembly.stream cimport Stream
from unpacket._core.sequence cimport delta, unwrap

cdef unsigned int ACK, FIN, OPEN, RST, SYN
cdef int ANOTHER, NOTHING, STREAM_GOES_ON
cdef long long LOW32, MAX_LATE_BYTES, QUEUED_BYTES, RESET_BYTES
cdef Py_ssize_t MAX_FOREIGN, MAX_LATE

@cython.locals(reset=Reset, half=Half, used=Range)
cpdef Reset begin_reset(Context ctx, Stream stream, Segment seg, bint from_a)
cpdef bint room(Context ctx, Reset reset) except -1
cpdef queue_up(Context ctx, Reset reset, bint from_a, Segment seg)
@cython.locals(queue=list)
cpdef list take_queue(Context ctx, Reset reset)
@cython.locals(shown=cython.longlong)
cpdef long long weigh_next(
    Stream stream, Reset reset, Half half, Half peer, Segment seg
) except? -1
@cython.locals(
    from_a=bint,
    stop=cython.longlong,
    other_isn=bint,
    answers=bint,
    grows=bint,
    used=Range,
    others=Range,
    fresh=Range,
    fresh_others=Range,
)
cpdef long long weigh_one(
    Stream stream, Reset reset, Half half, Half peer, Segment seg
) except? -1
@cython.locals(again=bint)
cpdef long long weigh_far(
    Stream stream,
    Reset reset,
    Range fresh,
    Range others,
    Segment seg,
    long long stop,
    Half peer,
) except? -1
cpdef bint unheard(Reset reset, Half peer) except -1
cpdef bint undecided(Reset reset) except -1
@cython.locals(from_a=bint, item=Segment, sender=Half, half=Half)
cpdef drop_reset(Context ctx, Stream stream, Reset waits)
