cimport cython

from unpacket._core.reassembly.arrival cimport end_by_reset, process
from unpacket._core.reassembly.connection cimport close
from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.delivery cimport discard
from unpacket._core.reassembly.enlisting cimport recall
from unpacket._core.reassembly.fins cimport over
from unpacket._core.reassembly.half cimport Half, HalfExtra
from unpacket._core.reassembly.intake cimport overlap_of
from unpacket._core.reassembly.judgement cimport begins_another
from unpacket._core.reassembly.pending cimport Reset
from unpacket._core.reassembly.resets cimport (
    begin_reset, queue_up, room, take_queue, undecided, weigh_next
)
from unpacket._core.reassembly.segment cimport Segment
from unpacket._core.reassembly.stream cimport Stream
from unpacket._core.sequence cimport unwrap

cdef unsigned int OPEN, RST, SYN
cdef int ANOTHER, CLOSED_BY_FIN, ENDED, GOES_ON, NOTHING, REUSED, STREAM_GOES_ON

cpdef long long take(
    Context ctx, Stream stream, Half half, Half peer, Segment seg
) except? -1
@cython.locals(from_a=bint, seg=Segment, half=Half)
cpdef end(Context ctx, Stream stream, long long number)
@cython.locals(
    extra=HalfExtra,
    late=Reset,
    shown=int,
    start=Py_ssize_t,
    queue=list,
    offset=cython.longlong,
    from_a=bint,
    item=Segment,
    sender=Half,
)
cpdef long long closed_already(
    Context ctx, Stream stream, Half half, Half peer, Segment seg
) except? -1
@cython.locals(
    again=cython.longlong,
    base=cython.longlong,
    start=cython.longlong,
    stop=cython.longlong,
    count=cython.longlong,
    missing=list,
    extra=HalfExtra,
)
cpdef count_late(Context ctx, Stream stream, Half half, Segment seg, int sign)
@cython.locals(waits=Reset, shown=int)
cpdef long long wait_on(
    Context ctx, Stream stream, Half half, Half peer, Segment seg
) except? -1
@cython.locals(waits=Reset)
cpdef long long reset_due(Context ctx, Stream stream) except? -1
@cython.locals(
    waits=Reset,
    queue=list,
    frame=cython.longlong,
    time_ns=cython.longlong,
    outcome=int,
    index=Py_ssize_t,
    half=Half,
    peer=Half,
    from_a=bint,
    seg=Segment,
)
cpdef long long refuse_reset(Context ctx, Stream stream) except? -1
@cython.locals(half=Half)
cpdef reject_reset(Context ctx, Stream stream, bint from_a, Segment seg)
@cython.locals(half=Half)
cpdef uncount(Stream stream, bint from_a, Segment seg)
@cython.locals(
    waits=Reset,
    queue=list,
    fresh=Py_ssize_t,
    seg=Segment,
    half=Half,
    peer=Half,
    frame=cython.longlong,
    time_ns=cython.longlong,
    from_a=bint,
    item=Segment,
    sender=Half,
)
cpdef long long believe_reset(Context ctx, Stream stream) except? -1
