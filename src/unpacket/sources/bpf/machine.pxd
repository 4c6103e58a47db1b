cimport cython

from unpacket._core.memory.batch cimport Batch, i64, u8, u16, u32, u64

cdef u64 MASK32, BEYOND_32
cdef Py_ssize_t MEMORY_WORDS

@cython.final
cdef class Memory:
    cdef u32[::1] words

@cython.final
cdef class Program:
    cdef readonly Py_ssize_t length
    cdef u16[::1] _code
    cdef u8[::1] _jt, _jf
    cdef u32[::1] _k
    cdef bint _stores
    cpdef Py_ssize_t mark(self, Batch batch, Py_ssize_t start) except -1
    @cython.locals(link_type=u16)
    cdef Py_ssize_t _mark(
        self, Batch batch, Py_ssize_t i, Memory memory
    ) except -1 nogil
    @cython.locals(
        start=i64, size=u64, a=u64, x=u64, at=u64, k=u64, code=int, pc=Py_ssize_t,
        word=Py_ssize_t,
    )
    cdef Py_ssize_t _run(
        self, Batch batch, Py_ssize_t i, Memory memory
    ) except -1 nogil


# Below the class, since it needs it.
from unpacket.sources.native cimport filtering as native
