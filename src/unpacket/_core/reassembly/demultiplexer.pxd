cimport cython

from unpacket._core.decode.segments cimport Segments
from unpacket._core.memory.batch cimport Batch
from unpacket._core.native cimport released
from unpacket._core.reassembly.accounting cimport recount
from unpacket._core.reassembly.channel_choice cimport Choices, begins
from unpacket._core.reassembly.lifetime cimport end, reset_due, take
from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.enlisting cimport recall
from unpacket._core.reassembly.fast_path cimport quick_run, tell
from unpacket._core.reassembly.forgotten cimport Forgotten, relation, revive
from unpacket._core.reassembly.half cimport Half, settle
from unpacket._core.reassembly.judgement cimport shift_of
from unpacket._core.reassembly.payload_gatherer cimport Gatherer
from unpacket._core.reassembly.rows cimport segment_of, stream_of
from unpacket._core.reassembly.run cimport Run
from unpacket._core.reassembly.segment cimport Segment
from unpacket._core.reassembly.stream cimport Stream
from unpacket._core.reassembly.table cimport FlowTable
from unpacket._core.reassembly.timers cimport Timers

cdef unsigned int ACK, IS_CLIENT, SYN
cdef int AGAIN, CLOSED_BY_REUSE, CONTINUES, REUSED, UNRELATED
cdef long long CHOICE_BYTES, HALF_BYTES, LAYER_BYTES
cdef long long LATEST_NS, MAX_COPIES, NO_TICK
cdef Py_ssize_t MAX_PATHS


@cython.final
cdef class Demultiplexer:
    cdef Context ctx
    cdef FlowTable table
    cdef Timers timers
    cdef Choices choices
    cdef dict paths
    cdef list copies
    cdef unsigned long long candidate_channel
    cdef long long next_id
    cdef long long packets
    cdef long long other_channel
    cdef long long not_followed
    cdef bint tells
    @cython.locals(
        ctx=Context, segments=Segments, batch=Batch, i=Py_ssize_t, stream=Stream
    )
    cdef take_ordinary(self, Run run, Py_ssize_t stop)
    @cython.locals(ctx=Context, stream=Stream)
    cdef Stream take_any(self, Run run)
    @cython.locals(
        ctx=Context,
        segments=Segments,
        time_ns=cython.longlong,
        skew_ns=cython.longlong,
        stream=Stream,
        half=Half,
        peer=Half,
    )
    cdef Stream process_row(self, Run run, Py_ssize_t i)
    @cython.locals(
        segments=Segments, forgotten=Forgotten, known=Py_ssize_t, shown=int,
        stream=Stream,
    )
    cdef Stream begin(self, Run run, Py_ssize_t i)
    @cython.locals(ctx=Context)
    cdef count_copy(self, Stream stream, long long frames_ago)
    @cython.locals(
        ctx=Context, segments=Segments, seg=Segment, alive=bint, successor=list,
        fresh=Stream,
    )
    cdef Stream process_segment(
        self, Run run, Stream stream, Half half, Half peer, Py_ssize_t i
    )
    @cython.locals(ctx=Context, segments=Segments, stream=Stream)
    cdef Stream open(self, Run run, Py_ssize_t i)
    @cython.locals(layers=tuple)
    cdef tuple layers(self, Segments segments, Py_ssize_t i)
    @cython.locals(half=Half, other=Half)
    cdef Half add_half(self, Stream stream, bint first)
    cdef start(self, Stream stream, long long time_ns, long long frame)
    @cython.locals(
        ctx=Context, fresh=Stream, frame=cython.longlong, time_ns=cython.longlong
    )
    cdef Stream reopen(self, Stream stream, list successor)
    @cython.locals(
        ctx=Context, first=Segment, seg=Segment, from_a=bint, fresh=Stream
    )
    cdef Stream follow(self, Stream stream, list successor)
    @cython.locals(choices=Choices, first=Segment, from_a=bint)
    cdef choose(self, Stream stream, list successor, Segments segments, Py_ssize_t i)
    cdef renew(self, Stream stream, Segments segments, Py_ssize_t i)
    @cython.locals(stream=Stream, successor=list)
    cdef reopen_due(self)
    @cython.locals(stream=Stream, successor=list)
    cdef Stream end_reset(self, Stream stream)
    @cython.locals(half=Half, peer=Half)
    cdef process_again(self, Stream stream, bint from_a, Segment seg)


@cython.locals(fresh=Stream)
cpdef Stream next_stream(Stream stream)
