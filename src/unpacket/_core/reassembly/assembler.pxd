cimport cython

from unpacket._core.native cimport octets as native
from unpacket._core.native cimport released
from unpacket._core.memory.batch cimport (Batch)
from unpacket._core.reassembly.channel_choice cimport (Choices)
from unpacket._core.reassembly.context cimport (Context)
from unpacket._core.decode.decoder cimport (Decoder)
from unpacket._core.reassembly.events cimport (Data)
from unpacket._core.reassembly.payload_gatherer cimport Gatherer
from unpacket._core.reassembly.gaps cimport grace_over, skip
from unpacket._core.reassembly.delivery cimport release
from unpacket._core.reassembly.half cimport settle
from unpacket._core.reassembly.fast_path cimport quick_run, tell
from unpacket._core.decode.segments cimport (Segments)
from unpacket._core.sequence cimport (delta)
from unpacket._core.reassembly.half cimport Half, HalfExtra
from unpacket._core.reassembly.segment cimport Segment
from unpacket._core.reassembly.stream cimport Stream, recall, seen
from unpacket._core.reassembly.connection cimport begin, check_ended, close, process
from unpacket._core.reassembly.judgement cimport shift_of
from unpacket._core.decode.checksum_states cimport (HostSums)
from unpacket._core.reassembly.table cimport (FlowTable, cost, deadline)

cdef unsigned int SYN, ACK, SUM_GOOD, TIMESTAMPS, IGNORED, ZERO_WINDOW, SIMPLE
cdef unsigned int IS_CLIENT, WAITING, OPEN
cdef Py_ssize_t MAX_PATHS
cdef long long MAX_COPIES
cdef long long LAYER_BYTES, STREAM_BYTES, HALF_BYTES, PIECE_BYTES, CHOICE_BYTES
cdef long long NS, NEVER
cdef int GRACE, BEGINNING, REUSED

cdef Py_ssize_t NOWHERE, PORTION
cdef long long STEP_NS, NO_TICK, LATEST_NS, LONGEST_NS
cdef int NEVER_PAUSE, IF_EVENTS, EACH_RUN
cdef int BY_TIMEOUT, BY_MEMORY, BY_REUSE, BY_END, BY_USER


@cython.final
cdef class Rows:
    cdef Py_ssize_t count
    cdef long long[::1] numbers
    @cython.locals(before="long long[::1]")
    cdef add(self, long long first, long long second)
    cdef tuple columns(self)


@cython.final
cdef class Assembler:
    cdef readonly object policy
    cdef readonly Context ctx
    cdef readonly Decoder decoder
    cdef Segments segments
    cdef Segments own_segments
    cdef FlowTable table
    cdef Batch batch
    cdef Py_ssize_t frame_index
    cdef Py_ssize_t segment_index
    cdef long long next_id
    cdef readonly long long packets
    cdef readonly list copies
    cdef Choices choices
    cdef readonly long long other_channel
    cdef readonly long long backwards
    cdef readonly long long not_followed
    cdef readonly HostSums sums
    cdef int pause
    cdef bint shared
    cdef Py_ssize_t looked_at
    cdef Py_ssize_t stop_index
    cdef list decoded
    cdef dict paths
    cdef Stream evicted
    cdef long long reused_id

    cpdef gather(self, Gatherer gatherer)
    cpdef list feed(self, batch)
    @cython.locals(
        segments=Segments,
        rows=Rows,
        next_id=cython.longlong,
        packets=cython.longlong,
        count=cython.longlong,
        others=cython.longlong,
        i=Py_ssize_t,
        stream=Stream,
    )
    cpdef tuple trace(self, batch)
    cpdef begin(self, batch)
    @cython.locals(segments=Segments, at=Py_ssize_t)
    cpdef list decode(self, Batch batch, list free)
    cpdef begin_decoded(self, Batch batch, list decoded)
    cpdef list proceed(self, Py_ssize_t count)
    cpdef list step(self)
    cpdef list take(self)
    @cython.locals(ctx=Context, ahead=cython.longlong, step=cython.longlong)
    cpdef list advance(self, long long now_ns)
    @cython.locals(
        ctx=Context, segments=Segments, batch=Batch, i=Py_ssize_t, stop=Py_ssize_t,
        quick=bint,
    )
    cdef run(self)
    @cython.locals(events=list)
    cdef bint decisive(self) except -1
    @cython.locals(
        ctx=Context,
        segments=Segments,
        time_ns=cython.longlong,
        stream=Stream,
        half=Half,
        peer=Half,
    )
    cdef one(self, Py_ssize_t i)
    @cython.locals(ctx=Context)
    cdef duplicated(self, Stream stream, long long frames_ago)
    @cython.locals(ctx=Context, ahead=cython.longlong, stands=bint)
    cdef clock(self, long long time_ns)
    @cython.locals(ctx=Context, segments=Segments, seg=Segment, alive=bint)
    cdef slow(self, Stream stream, Half half, Half peer, Py_ssize_t i)
    @cython.locals(segments=Segments, seg=Segment, start=Py_ssize_t, side=bytes)
    cdef Segment segment(self, Py_ssize_t i)
    @cython.locals(segments=Segments, count=Py_ssize_t, start=Py_ssize_t)
    cdef list sacks(self, Py_ssize_t i)
    @cython.locals(stream=Stream)
    cdef Stream open(self, Segments segments, Py_ssize_t i)
    @cython.locals(layers=tuple)
    cdef tuple layers(self, Segments segments, Py_ssize_t i)
    cdef start(self, Stream stream, long long time_ns, long long frame)
    @cython.locals(half=Half, other=Half)
    cdef Half add_half(self, Stream stream, bint first)
    @cython.locals(
        ctx=Context, candidate=Segment, from_a=bint, fresh=Stream,
        channel=cython.ulonglong,
    )
    cdef reuse(self, Stream stream, Segment seg, Py_ssize_t i)
    @cython.locals(half=Half, peer=Half)
    cdef again(self, Stream stream, bint from_a, Segment seg)
    cdef linger(self, Stream stream)
    @cython.locals(ctx=Context)
    cdef bint stale(self, Stream stream) except -1
    cdef expire(self, Stream stream)
    cdef forget(self, Stream stream)
    @cython.locals(ctx=Context, stream=Stream)
    cdef evict(self)
    @cython.locals(
        ctx=Context, table=FlowTable, now_tick=cython.longlong, first=cython.longlong
    )
    cdef run_timers(self)
    @cython.locals(
        ctx=Context, stream=Stream, when=cython.longlong
    )
    cdef look_at(self, list due)
    @cython.locals(ctx=Context, peer=Half)
    cdef ring(self, int kind, Stream stream, Half half)
    @cython.locals(half=Half, peer=Half)
    cpdef list skip_to(self, Stream stream, direction, long long offset)
    @cython.locals(half=Half)
    cpdef ignore(self, Stream stream, direction)
    @cython.locals(half=Half, extra=HalfExtra)
    cpdef track(self, Stream stream, direction, tracker)
    cpdef list close(self, Stream stream)


@cython.locals(stream=Stream, last=cython.longlong)
cpdef bint in_order(list streams) except -1
@cython.locals(extra=HalfExtra)
cpdef let_go(Half half)
