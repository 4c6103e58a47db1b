cimport cython

cdef Py_ssize_t NONE, ROW_WORDS, KEY_OWNER, FIRST_ROWS, ROW_BYTES


@cython.final
cdef class Ledger:
    cdef object block
    cdef readonly long long[::1] signed
    cdef readonly unsigned long long[::1] unsigned
    cdef readonly Py_ssize_t free
    cdef readonly Py_ssize_t rows
    cdef readonly Py_ssize_t used
    cdef view(self)
    @cython.locals(size=Py_ssize_t)
    cdef grow(self)
    @cython.locals(row=Py_ssize_t)
    cpdef Py_ssize_t take(self) except -1
    cpdef give_back(self, Py_ssize_t row)
