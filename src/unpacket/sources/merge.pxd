cimport cython

from unpacket.sources.native cimport frames as native
from unpacket._core.memory.batch cimport Batch, i64, u32

cdef int SLOT_SHIFT
cdef Py_ssize_t SLOT_MASK

@cython.final
cdef class Merger:
    cdef list _batches
    cdef i64[::1] _head_ns, _place, _heap
    cdef Py_ssize_t _size
    cdef readonly i64[::1] slots, numbers
    cdef readonly Py_ssize_t next_bytes
    cpdef expect(self, Py_ssize_t slot, i64 time_ns)
    cpdef give(self, Py_ssize_t slot, Batch batch)
    @cython.locals(
        count=Py_ssize_t, used=Py_ssize_t, stop=Py_ssize_t, wanted=Py_ssize_t,
        slot=Py_ssize_t, given=Batch, place=Py_ssize_t, captured=Py_ssize_t,
        interface=u32,
    )
    cpdef Py_ssize_t merge(self, Batch batch) except? -9
    @cython.locals(one_ns=i64, other_ns=i64)
    cdef bint _before(self, Py_ssize_t one, Py_ssize_t other) except -1
    cdef _leave(self)
    @cython.locals(at=Py_ssize_t, slot=Py_ssize_t, child=Py_ssize_t)
    cdef _sink(self)
    @cython.locals(slot=Py_ssize_t, above=Py_ssize_t)
    cdef _rise(self, Py_ssize_t at)
