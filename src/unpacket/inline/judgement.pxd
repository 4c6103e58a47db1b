cimport cython

from unpacket.inline.admitted cimport Admitted
from unpacket.inline.flows cimport Flow
from unpacket.inline.half cimport Half
from unpacket.inline.outbox cimport Outcome, outcome_of
from unpacket.inline.packets cimport Segment
from unpacket.inline.passing cimport emit
from unpacket.inline.verdicts cimport Arrival

cdef long long LOW32
cdef Py_ssize_t ACK, FIN, PSH, RST, SYN

@cython.final
cdef class Judge:
    cdef object _inspect, _inspector, _choices, _counts, _report
    cdef list _deadlines
    cdef long long _made
    cdef bint _replaces
    @cython.locals(
        flow=Flow, outcome=Outcome, half=Half, before="long long",
        out_before="long long",
    )
    cpdef judge(self, Admitted found, now_ns)
    @cython.locals(segment=Segment, payload=bytes)
    cpdef bint _passes(self, Admitted found, Half half, now_ns) except *
    @cython.locals(pending=bytes)
    cpdef object _decide(self, Admitted found, Half half, now_ns)
    @cython.locals(flow=Flow, arrival=Arrival)
    cpdef object _asked(self, Admitted found, bytes pending, now_ns)
    cpdef object _carry_out(
        self, object answer, Admitted found, Half half, Py_ssize_t pending, now_ns
    )
    cpdef _release(self, Half half, long long stop)
    cpdef _end_if_closed(self, Admitted found)
    @cython.locals(first=Half, second=Half)
    cpdef _close_if_done(self, Flow flow)

@cython.locals(count=Py_ssize_t)
cpdef bytes delivered(Admitted found)
