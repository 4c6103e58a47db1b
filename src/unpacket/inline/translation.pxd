cimport cython

@cython.final
cdef class Edits:
    cdef Py_ssize_t _first
    cdef list _original, _old, _out, _new
    cdef long long _shift
    cpdef append(self, long long original, long long old, long long out, long long new)
    @cython.locals(first=Py_ssize_t, last=Py_ssize_t, behind="long long")
    cpdef long long out(self, long long original) except *
    @cython.locals(last=Py_ssize_t, behind="long long")
    cpdef long long original(self, long long out) except *
    @cython.locals(last=Py_ssize_t, end="long long")
    cpdef long long original_up(self, long long out) except *
    @cython.locals(first=Py_ssize_t, count=Py_ssize_t, end="long long")
    cpdef forget(self, long long out)
