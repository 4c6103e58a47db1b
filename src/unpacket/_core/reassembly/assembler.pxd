cimport cython

from unpacket._core.decode.checksum_states cimport HostSums
from unpacket._core.decode.decoder cimport Decoder
from unpacket._core.decode.segments cimport Segments
from unpacket._core.memory.batch cimport Batch
from unpacket._core.reassembly.accounting cimport recount
from unpacket._core.reassembly.channel_choice cimport Choices
from unpacket._core.reassembly.connection cimport check_ended
from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.demultiplexer cimport Demultiplexer
from unpacket._core.reassembly.enlisting cimport recall
from unpacket._core.reassembly.events cimport Data
from unpacket._core.reassembly.fast_path cimport (
    delivered_data, delivered_octets, tell
)
from unpacket._core.reassembly.gaps cimport skip
from unpacket._core.reassembly.half cimport Half, HalfExtra, settle
from unpacket._core.reassembly.lifetime cimport end
from unpacket._core.reassembly.payload_gatherer cimport Gatherer
from unpacket._core.reassembly.release cimport release
from unpacket._core.reassembly.run cimport Run
from unpacket._core.reassembly.stream cimport Stream, ended
from unpacket._core.reassembly.table cimport FlowTable, check_owned
from unpacket._core.reassembly.timers cimport Timers
from unpacket._core.reassembly.trace cimport TraceRows

cdef unsigned int IGNORED, OPEN
cdef int CLOSED_BY_END, CLOSED_BY_INTERRUPTION, CLOSED_BY_USER
cdef int STEP_DELIVERY, STEP_DONE, STEP_EVENTS
cdef Py_ssize_t ALL, DELIVERED_SIDE, DELIVERED_SLOT, PORTION


@cython.final
cdef class Assembler:
    cdef readonly object policy
    cdef readonly Decoder decoder
    cdef readonly HostSums sums
    cdef Context ctx
    cdef FlowTable table
    cdef Timers timers
    cdef Demultiplexer demultiplexer
    cdef Run run
    cdef bint is_at_work
    cdef object observer

    cpdef gather(self, Gatherer gatherer)
    cpdef observe(self, observer)
    cpdef list feed(self, batch)
    @cython.locals(
        run=Run,
        rows=TraceRows,
        segments=Segments,
        first=Py_ssize_t,
        i=Py_ssize_t,
        stream=Stream,
    )
    cpdef tuple trace(self, batch)
    @cython.locals(moved=list)
    cpdef list moved(self)
    cpdef begin(self, batch)
    @cython.locals(segments=Segments, at=Py_ssize_t)
    cpdef list decode(self, Batch batch, list free)
    cpdef begin_decoded(self, Batch batch, list decoded)
    cpdef list proceed(self, Py_ssize_t count)
    cpdef list step(self)
    @cython.locals(segments=Segments)
    cdef int step_apart(self) except -1
    cdef Stream delivery_stream(self)
    cdef bint delivery_is_client(self) except -1
    cdef bytes delivery_octets(self)
    cdef Data delivery(self, bytes payload)
    cpdef list take(self)
    @cython.locals(
        run=Run,
        demultiplexer=Demultiplexer,
        row=Py_ssize_t,
        stop=Py_ssize_t,
    )
    cdef work(self, Py_ssize_t count, bint to_event, Py_ssize_t most_events=*)
    cdef bint more(self) except -1
    cpdef list advance(self, long long now_ns)
    @cython.locals(follower=Stream)
    cdef finish_stream(self, Stream stream, list fresh, bint interrupted)
    @cython.locals(half=Half, peer=Half)
    cpdef list skip_to(self, Stream stream, direction, long long offset)
    @cython.locals(half=Half)
    cpdef ignore(self, Stream stream, direction)
    @cython.locals(half=Half, extra=HalfExtra)
    cpdef track(self, Stream stream, direction, tracker)
    cpdef list close(self, Stream stream)


@cython.locals(stream=Stream, last=cython.longlong)
cpdef bint in_order(list streams) except -1
cpdef let_go_of(Stream stream)
@cython.locals(extra=HalfExtra)
cpdef let_go(Half half)


cpdef take_complete_way(Assembler assembler)
