cimport cython

from unpacket.inline.flows cimport Flow
from unpacket.inline.half cimport Half
from unpacket.inline.outbox cimport Outcome
from unpacket.inline.packets cimport Segment

@cython.final
cdef class Admitted:
    cdef public Flow flow
    cdef public Py_ssize_t number
    cdef public Segment segment
    cdef public Outcome outcome
    cdef public long long start, stop, seen, now_seen, acked, stop_frame
    cdef public bint has_fin, is_placed, is_plain, is_ordinary, is_asked
    cdef public list frames, events
    cdef public object answer
    @cython.locals(stop="long long")
    cpdef bint is_new_of(self, Half half) except *

@cython.locals(found=Admitted)
cpdef Admitted admitted(
    Flow flow, Py_ssize_t number, Segment segment, Outcome outcome
)
