cimport cython

cdef Py_ssize_t NONE, ROW_WORDS, KEY_OWNER, FIRST_ROWS, ROW_BYTES, LARGE_BYTES

cpdef object space(Py_ssize_t size)


@cython.final
cdef class Ledger:
    cdef long long[::1] signed
    cdef unsigned long long[::1] unsigned
    cdef Py_ssize_t free
    cdef Py_ssize_t rows
    cdef Py_ssize_t used
    cdef resize(self, Py_ssize_t rows)
    @cython.locals(row=Py_ssize_t)
    cdef Py_ssize_t take(self) except -1
    cdef give_back(self, Py_ssize_t row)
