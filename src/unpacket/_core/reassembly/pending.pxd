cimport cython

from unpacket._core.reassembly.segment cimport Segment
from unpacket._core.sequence cimport delta

cdef unsigned int FIN
cdef long long NEVER, FAR


@cython.final
cdef class Suspect:
    cdef public long long base
    cdef public Segment seg
    cdef public bint refuted
    cdef long long stop(self)
    cdef long long wanted(self)


@cython.final
cdef class Range:
    cdef public bint known
    cdef public long long first, last
    cdef start(self, long long seq)
    cdef bint near(self, long long seq) except -1
    cdef extend(self, long long seq)
    cdef bint holds(self, long long ack) except -1


@cython.final
cdef class Reset:
    cdef public Segment seg
    cdef public bint from_a, answered, went_on
    cdef public list queue
    cdef public long long queued_bytes, deadline_ns
    cdef public Py_ssize_t foreign
    cdef public Range used_a, used_b, fresh_a, fresh_b
