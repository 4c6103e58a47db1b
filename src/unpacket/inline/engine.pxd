cimport cython

from unpacket._core.memory.batch cimport Batch
from unpacket._core.reassembly.assembler cimport Assembler
from unpacket.inline.admission cimport Admission
from unpacket.inline.admitted cimport Admitted
from unpacket.inline.flows cimport Flow, FlowTable
from unpacket.inline.half cimport Half
from unpacket.inline.judgement cimport Judge
from unpacket.inline.outbox cimport Outcome, outcome_of
from unpacket.inline.envelope cimport Envelope, opened
from unpacket.inline.packets cimport Packet, Segment, segment_of

cdef Py_ssize_t BATCH_FRAMES, ALONE_BYTES

@cython.final
cdef class Engine:
    cdef readonly object settings, inspector, statistics, losses
    cdef FlowTable _flows
    cdef object _fragments
    cdef Admission _admission
    cdef Judge _judge
    cdef Assembler _assembler
    cdef long long _next_frame
    cdef Batch _batch
    cdef bint _passes_unseen
    @cython.locals(
        outcomes=list, admitted=list, outcome=Outcome, segment=Segment,
        found=Admitted, passed=Py_ssize_t, index=Py_ssize_t, forward=list,
        packet=Packet,
    )
    cpdef list process(self, object packets, now_ns)
    @cython.locals(envelope=Envelope)
    cpdef Segment _opened(self, Packet packet, Outcome outcome, now_ns)
    @cython.locals(flow=Flow, number=Py_ssize_t, half=Half, out="long long")
    cpdef list _skipped(self, Segment segment)
    @cython.locals(
        frames=list, found=Admitted, events=list, at=Py_ssize_t, count=Py_ssize_t,
        stop_frame="long long",
    )
    cpdef _finish(self, list admitted, now_ns)
    @cython.locals(
        events=list, start=Py_ssize_t, stop=Py_ssize_t, most=Py_ssize_t, batch=Batch,
    )
    cpdef list _fed(self, list frames, now_ns)
    @cython.locals(batch=Batch, at=Py_ssize_t, data=bytes, length=Py_ssize_t)
    cpdef _fill(self, list frames, now_ns)
    cpdef _give(self, event, Admitted found)
    cpdef _count(self, Outcome outcome)
