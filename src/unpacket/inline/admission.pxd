cimport cython

from unpacket.inline cimport rules
from unpacket.inline.admitted cimport Admitted, admitted
from unpacket.inline.emission cimport translate_acknowledgement
from unpacket.inline.flows cimport Flow, FlowTable
from unpacket.inline.half cimport Half
from unpacket.inline.outbox cimport Outcome
from unpacket.inline.packets cimport Segment, ttl_of

cdef long long LOW32
cdef Py_ssize_t FRAME_BYTES, UNUSUAL, TIMESTAMPS_BYTES, LARGEST_BYTES, RESERVED
cdef Py_ssize_t ACK, FIN, RST, SYN

@cython.final
cdef class Admission:
    cdef FlowTable _flows
    cdef object _bounds, _forget
    cdef long long _now_ns, _max_held_bytes, _max_memory_bytes
    cdef Py_ssize_t _ttl_floor
    @cython.locals(flow=Flow, other=Half)
    cpdef bint waits(self, Segment segment) except *
    @cython.locals(
        flags=Py_ssize_t, options_bytes=Py_ssize_t, data=bytes, flow=Flow,
        number=Py_ssize_t, half=Half, other=Half, start="long long", out="long long",
        count=Py_ssize_t, held_bytes="long long", ttl=Py_ssize_t, found=Admitted,
        edge="long long",
    )
    cpdef Admitted admit_ordinary(self, Segment segment, Outcome outcome)
    @cython.locals(flow=Flow, number=Py_ssize_t, found=Admitted)
    cpdef Admitted admit(self, Segment segment, Outcome outcome, now_ns)
    @cython.locals(
        flow=Flow, number=Py_ssize_t, segment=Segment, half=Half, other=Half,
        out="long long", room="long long", most="long long", edge="long long",
    )
    cpdef Admitted _admit_ordinary(self, Admitted found)
    @cython.locals(half=Half, answer=Segment, shown=Segment, new=bytes, at=Py_ssize_t)
    cpdef _show(self, Admitted found)

cpdef bint is_syn_of(Flow flow, Segment segment) except *
