cimport cython

@cython.final
cdef class Store:
    cdef readonly long long start, stop
    cdef Py_ssize_t _first
    cdef list _starts, _chunks
    @cython.locals(length=Py_ssize_t, last=Py_ssize_t, before=bytes)
    cpdef append(self, bytes chunk)
    @cython.locals(count=Py_ssize_t, first=Py_ssize_t, end="long long")
    cpdef forget(self, long long offset)
    cpdef restart(self, long long offset)
    @cython.locals(
        index=Py_ssize_t, parts=list, at="long long", begin="long long", part=bytes,
    )
    cpdef bytes read(self, long long start, long long stop)
