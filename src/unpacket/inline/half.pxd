cimport cython

from unpacket._core.sequence cimport unwrap
from unpacket.inline.packets cimport Segment
from unpacket.inline.store cimport Store
from unpacket.inline.translation cimport Edits

@cython.final
cdef class Half:
    cdef public long long base, acked, released, seen, out_acked, out_end, promised
    cdef public long long piece_bytes, right_edge, fin, max_window, ts_recent
    cdef public long long deadline_ns
    cdef public Py_ssize_t scale, mss, segment_bytes, ttl, raised
    cdef public bint placed, midstream, fin_passed, fin_acked, fin_waits, blocked
    cdef public bint sack_ok
    cdef public object pending, at_deadline
    cdef public Edits edits
    cdef public list starts, bodies
    cdef public Store store
    cdef public Segment last
    cpdef place(self, long long base, bint midstream)
    cpdef bint is_untouched(self) except *
    @cython.locals(waiting="long long", stored="long long")
    cpdef long long held_bytes(self) except *
    cpdef bint is_translated(self) except *
    cpdef long long original_at(self, long long seq) except *
    cpdef long long out_at(self, long long seq) except *
    cpdef long long out_sent(self) except *
    cpdef acknowledge(self, long long out)
    cpdef long long original_acked(self, long long out) except *
    cpdef promise(self, Py_ssize_t count)
    cpdef keep(self, bytes payload)
    @cython.locals(length=Py_ssize_t)
    cpdef pass_on(self, bytes payload)
    cpdef skip(self, long long offset)
    @cython.locals(skip="long long")
    cpdef take(self, long long start, bytes payload)
    cpdef bytes waiting(self, long long start, long long stop)
    cpdef bytes output(self, long long start, long long stop)
    cpdef bytes original(self, long long start, bytes payload)
