cimport cython

from unpacket._core.memory.batch cimport i64
from unpacket.analysis.unacked cimport twice

cdef Py_ssize_t COLUMN_WORDS, FIRST_ROOM

@cython.final
cdef class Columns:
    cdef readonly Py_ssize_t count
    cdef readonly i64[::1] words
    cdef Py_ssize_t next_row(self) except? -9
    cpdef clear(self)
    @cython.locals(at=Py_ssize_t)
    cpdef dict row(self, Py_ssize_t index)
