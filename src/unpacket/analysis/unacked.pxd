cimport cython

from unpacket._core.memory.batch cimport i64

cdef i64 HALF32, LOW32
cdef Py_ssize_t SEQ, END, TIME_NS, FRAME, NEXT, NODE_WORDS
cdef Py_ssize_t HEAD, TAIL, COUNT, IS_SORTED, LOW, HIGH, LIST_WORDS
cdef Py_ssize_t MOST_NODES, MOST_UNACKED, FIRST_ROOM, END_OF_LIST

@cython.final
cdef class Unacked:
    cdef i64[::1] _nodes, _lists
    cdef i64 _free
    cdef Py_ssize_t _halves, _next
    cdef readonly i64 acked_frame, acked_ns
    cdef readonly bint is_partial
    @cython.locals(at=Py_ssize_t)
    cdef begin(self, Py_ssize_t half)
    @cython.locals(at=Py_ssize_t, head=i64, tail=i64)
    cdef release(self, Py_ssize_t half)
    @cython.locals(other=Py_ssize_t, _=Py_ssize_t)
    cdef bint _reclaim(self, Py_ssize_t half) except *
    cdef i64 count(self, Py_ssize_t half) except *
    cdef i64 oldest(self, Py_ssize_t half) except *
    cdef i64 frame_of(self, Py_ssize_t node) except *
    cdef i64 time_of(self, Py_ssize_t node) except *
    @cython.locals(
        at=Py_ssize_t, lists="long long[::1]", nodes="long long[::1]",
        room=Py_ssize_t, node=i64,
        place=Py_ssize_t, low=i64, high=i64,
    )
    cdef bint add(
        self, Py_ssize_t half, i64 base, i64 seq, i64 end, i64 time_ns, i64 frame
    ) except *
    @cython.locals(at=Py_ssize_t)
    cdef i64 in_flight(self, Py_ssize_t half) except *
    @cython.locals(
        at=Py_ssize_t, lists="long long[::1]", nodes="long long[::1]", before=i64,
        node=i64, place=Py_ssize_t, seq=i64, end=i64,
        following=i64, is_past=i64, inside=i64, changed=bint,
    )
    cdef acknowledge(self, Py_ssize_t half, i64 base, i64 ack)
    @cython.locals(node=i64, place=Py_ssize_t, before=i64, after=i64)
    cdef bint has(self, Py_ssize_t half, i64 seq, i64 end) except *
    @cython.locals(node=i64, place=Py_ssize_t)
    cdef i64 oldest_from(self, Py_ssize_t half, i64 seq) except *
    @cython.locals(end=i64, node=i64, place=Py_ssize_t, starts=i64, ends=i64)
    cdef i64 contiguous_end(self, Py_ssize_t half, i64 ack) except *
    @cython.locals(
        at=Py_ssize_t, lists="long long[::1]", nodes="long long[::1]", node=i64,
        place=Py_ssize_t,
        low=i64, high=i64, in_order=bint, first=i64, last=i64,
    )
    cdef measure(self, Py_ssize_t half, i64 base)
    @cython.locals(node=Py_ssize_t)
    cdef _link_free(self, Py_ssize_t start, Py_ssize_t stop)

@cython.locals(larger="long long[::1]")
cpdef i64[::1] twice(i64[::1] words)
