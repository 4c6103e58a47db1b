cimport cython

from unpacket.inline.half cimport Half
from unpacket.inline.packets cimport Segment

@cython.final
cdef class Flow:
    cdef public tuple key, halves
    cdef public bytes first
    cdef public object state, stream
    cdef public dict syns
    cdef public bint signed, timestamps, trusted, is_over
    cdef public long long challenged, seen_ns, charged_bytes
    cdef tuple _directions
    @cython.locals(first=Half, second=Half)
    cpdef bint is_promised(self) except *
    cpdef Py_ssize_t number_of(self, Segment segment) except -1
    cpdef object direction(self, Py_ssize_t number)

@cython.final
cdef class FlowTable:
    cdef public long long held_bytes
    cdef Py_ssize_t _max_flows
    cdef long long _idle_ns
    cdef dict _flows
    cdef object _open, _other
    cdef Flow _latest
    cpdef Flow find(self, tuple key)
    @cython.locals(first=Half, second=Half)
    cpdef touch(self, Flow flow, long long now_ns)
    cpdef _charge(self, Flow flow, long long held_bytes)
