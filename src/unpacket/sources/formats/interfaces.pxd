cimport cython

from unpacket._core.memory.batch cimport i64, u8, u16, u32, u64

cdef u64 BILLION, LAST_WHOLE_SECOND, LOW32
cdef i64 LATEST_NS
cdef int DECIMAL

@cython.final
cdef class Interfaces:
    cdef readonly Py_ssize_t count
    cdef public i64 last_ns, lost, noted
    cdef public bint counts_lost
    cdef readonly u16[::1] link_type
    cdef readonly u32[::1] longest, snaplen
    cdef Py_ssize_t _capacity
    cdef u8[::1] _shift
    cdef u64[::1] _multiplier, _most_ticks, _divisor
    cdef i64[::1] _offset_ns
    @cython.locals(n=int, seconds=u64, rest=u64, since_ns=i64, offset_ns=i64)
    cpdef i64 time_ns(self, Py_ssize_t index, u64 ticks) except? 1 nogil
