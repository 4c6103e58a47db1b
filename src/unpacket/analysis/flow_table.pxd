cimport cython

from unpacket._core.memory.batch cimport i64, u64
from unpacket._core.decode.segments cimport Segments

cdef Py_ssize_t FIRST_SLOTS, KEY_WORDS, NO_CONVERSATION

@cython.final
cdef class Conversations:
    cdef i64[::1] _slots
    cdef Py_ssize_t _mask, _used
    cdef readonly Py_ssize_t count
    cdef readonly u64[::1] keys
    @cython.locals(slot=Py_ssize_t, number=i64, at=Py_ssize_t)
    cdef Py_ssize_t slot_of(self, Segments segments, Py_ssize_t i) except? -9
    cdef Py_ssize_t at(self, Py_ssize_t slot) except? -9
    @cython.locals(number=Py_ssize_t, at=Py_ssize_t, larger="unsigned long long[::1]")
    cdef Py_ssize_t begin(
        self, Py_ssize_t slot, Segments segments, Py_ssize_t i
    ) except? -9
    @cython.locals(
        old="long long[::1]", size=Py_ssize_t, index=Py_ssize_t, number=i64,
        slot=Py_ssize_t,
    )
    cdef _grow(self)
