cimport cython

from unpacket._core.native cimport loads
from unpacket._core.memory.batch cimport Batch, i64, u64
from unpacket._core.decode.segments cimport Segments

cdef u64 WORDS, SLOT_MASK, SENDER_WORDS, SENDER_MASK, STEADY, PROMPT_NS, LOW32, MASK64
cdef u64 HALF64, FRAME_MASK, WAY_MASK, SYN_OR_FIN, RST, BAD, UNFILLED
cdef int SUM_SHIFT, STATE_SHIFT, WAY_SHIFT
cdef unsigned int ETHERNET, ADDRESSES
cdef Py_ssize_t MAX_LAYERS
cdef u64 FACTOR_0, FACTOR_1, FACTOR_2, FACTOR_3


@cython.final
cdef class Duplicates:
    cdef u64[::1] _table, _senders
    cdef u64 _window_ns, _last_ns
    cdef bint _fine
    @cython.locals(
        i=Py_ssize_t, index=Py_ssize_t, seq=u64, ack=u64, numbers=u64, identity=u64,
        now=u64, facts=u64, word=u64, slot=u64, age=u64,
    )
    cdef int mark(self, Batch batch, Segments segments) except -1 nogil
    @cython.locals(flags=u64)
    cdef bint came_twice(
        self, Segments segments, Py_ssize_t i, u64 numbers, u64 differences, u64 age
    ) noexcept nogil
    @cython.locals(slot=u64, sender=u64, before=u64, entry=u64)
    cdef bint counting(
        self, Segments segments, Py_ssize_t i, u64 numbers
    ) noexcept nogil


@cython.locals(word=u64, mixed=u64, start=Py_ssize_t, n=Py_ssize_t)
cdef u64 way_of(
    Batch batch, Segments segments, Py_ssize_t i, Py_ssize_t index
) noexcept nogil
@cython.locals(ahead=u64)
cdef u64 distance(u64 time_ns, u64 other_ns) noexcept nogil
@cython.locals(state=u64, other=u64)
cdef bint may_be_equal(u64 facts, u64 others) noexcept nogil
