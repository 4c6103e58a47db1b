cimport cython

from unpacket._core.reassembly.accounting cimport fixed_bytes, recount
from unpacket._core.reassembly.connection cimport begin, check_ended
from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.enlisting cimport recall, seen
from unpacket._core.reassembly.fins cimport fin_due
from unpacket._core.reassembly.forgotten cimport Forgotten, remember
from unpacket._core.reassembly.gaps cimport grace_over
from unpacket._core.reassembly.half cimport Half, HalfExtra, settle
from unpacket._core.reassembly.lifetime cimport end, reset_due
from unpacket._core.reassembly.resets cimport take_queue
from unpacket._core.reassembly.stream cimport Stream
from unpacket._core.reassembly.table cimport FlowTable, deadline

cdef unsigned int WAITING
cdef long long MAX_COPIES
cdef int BEGINNING, END, GRACE, RESET, REUSED
cdef int CLOSED_BY_MEMORY, CLOSED_BY_TIMEOUT
cdef long long LONGEST_STEP_NS
cdef long long CHOICE_BYTES, LATEST_NS, LONGEST_NS, NEVER, NO_TICK, NS, STEP_NS, WHEEL


@cython.final
cdef class Timers:
    cdef Context ctx
    cdef FlowTable table
    cdef bint has_choices
    cdef Forgotten forgotten
    cdef readonly long long backwards
    cdef readonly list steps_back
    @cython.locals(ctx=Context, ahead=cython.longlong)
    cdef set_clock(self, long long time_ns, long long before_ns)
    @cython.locals(ctx=Context, ahead=cython.longlong)
    cdef advance(self, long long now_ns)
    @cython.locals(ctx=Context, step=cython.longlong)
    cdef pass_time(self, long long ahead)
    @cython.locals(
        ctx=Context, table=FlowTable, now_tick=cython.longlong, first=cython.longlong,
        timer=tuple, due=list, ahead=cython.longlong,
    )
    cdef run_due(self)
    @cython.locals(stream=Stream, when=cython.longlong)
    cdef look_at(self, list due)
    @cython.locals(ctx=Context, peer=Half)
    cdef wake(self, int kind, Stream stream, Half half)
    cdef linger(self, Stream stream)
    @cython.locals(ctx=Context)
    cdef bint expire_if_due(self, Stream stream) except -1
    cdef expire(self, Stream stream)
    @cython.locals(ctx=Context, stream=Stream)
    cdef evict(self)
    cdef remember(self, Stream stream)
    cdef finish(self)
    cdef forget(self, Stream stream)
