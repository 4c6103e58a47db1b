cimport cython

from unpacket._core.memory.batch cimport i64, u8, u64
from unpacket._core.decode.segments cimport Segments

cdef Py_ssize_t HOSTS, MASK, PROBES
cdef u64 LOW32, MULTIPLIER


@cython.final
cdef class HostSums:
    cdef u64[::1] hi, lo
    cdef u8[::1] family
    cdef i64[::1] counts
    @cython.locals(i=Py_ssize_t, row=Py_ssize_t, hi=u64, lo=u64)
    cpdef tally(self, Segments segments)
    @cython.locals(mixed=u64, row=Py_ssize_t, probe=Py_ssize_t)
    cdef Py_ssize_t row(self, u64 hi, u64 lo, u8 family) except -1
    @cython.locals(row=Py_ssize_t, hi=object, lo=object, address=object)
    cpdef dict by_host(self)
    cdef dict counted(self, Py_ssize_t row)
