cimport cython

from unpacket._core.decode.checksum_states cimport HostSums
from unpacket._core.decode.decoder cimport Decoder
from unpacket._core.decode.segments cimport Segments
from unpacket._core.reassembly.accounting cimport recount
from unpacket._core.reassembly.channel_choice cimport Choices
from unpacket._core.reassembly.connection cimport check_ended
from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.demultiplexer cimport Demultiplexer
from unpacket._core.reassembly.enlisting cimport recall
from unpacket._core.reassembly.gaps cimport skip
from unpacket._core.reassembly.half cimport Half, HalfExtra, settle
from unpacket._core.reassembly.lifetime cimport end
from unpacket._core.reassembly.release cimport release
from unpacket._core.reassembly.run cimport Run
from unpacket._core.reassembly.stepper cimport Stepper
from unpacket._core.reassembly.stream cimport Stream, ended
from unpacket._core.reassembly.table cimport FlowTable, check_owned
from unpacket._core.reassembly.timers cimport Timers
from unpacket._core.reassembly.trace cimport TraceRows

cdef unsigned int IGNORED, OPEN
cdef int CLOSED_BY_END, CLOSED_BY_INTERRUPTION, CLOSED_BY_USER
cdef Py_ssize_t ALL_SEGMENTS, EVENTS_PORTION


@cython.final
cdef class Assembler(Stepper):
    cdef readonly object policy
    cdef Timers timers
    cdef bint is_at_work

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
