cimport cython

from unpacket._core cimport inline_fill as native
from unpacket._core cimport inline_memory as memory
from unpacket._core.batch cimport Batch

cdef Py_ssize_t NONE, BLOCK_BYTES, IN_BLOCK, FIRST_BLOCKS
cdef int BLOCK_SHIFT
cdef Py_ssize_t FIRST, LAST, LENGTH, CHAIN_WORDS, CHAIN_COST, FIRST_CHAINS


@cython.final
cdef class Growing:
    cdef unsigned char[::1] data
    cdef int[::1] following
    cdef long long[::1] chains
    cdef Py_ssize_t free
    cdef Py_ssize_t used_blocks
    cdef Py_ssize_t ended
    cdef Py_ssize_t used_chains
    cdef readonly long long waiting_bytes
    @cython.locals(number=Py_ssize_t, row=Py_ssize_t)
    cpdef Py_ssize_t begin(self) except -1
    cpdef Py_ssize_t length(self, Py_ssize_t number) except -1
    @cython.locals(blocks=Py_ssize_t)
    cpdef Py_ssize_t cost(self, Py_ssize_t number) except -1
    @cython.locals(at=Py_ssize_t, used=Py_ssize_t, count=Py_ssize_t)
    cpdef extend(
        self, Py_ssize_t number, Batch batch, Py_ssize_t start, Py_ssize_t length
    )
    @cython.locals(
        start=Py_ssize_t,
        length=Py_ssize_t,
        at=Py_ssize_t,
        used=Py_ssize_t,
        count=Py_ssize_t,
    )
    cpdef extend_bytes(self, Py_ssize_t number, bytes data)
    @cython.locals(start=Py_ssize_t, at=Py_ssize_t, used=Py_ssize_t, count=Py_ssize_t)
    cpdef extend_block(self, Py_ssize_t number, bytearray block, Py_ssize_t length)
    @cython.locals(
        row=Py_ssize_t,
        following=Py_ssize_t,
        moved=Py_ssize_t,
        left=Py_ssize_t,
        count=Py_ssize_t,
        block=Py_ssize_t,
    )
    cpdef Py_ssize_t draw(self, Py_ssize_t number, bytearray target) except -1
    @cython.locals(
        row=Py_ssize_t, left=Py_ssize_t, block=Py_ssize_t, following=Py_ssize_t
    )
    cpdef end(self, Py_ssize_t number)
    @cython.locals(row=Py_ssize_t, block=Py_ssize_t, fresh=Py_ssize_t)
    cdef Py_ssize_t last(self, Py_ssize_t number) except -1
    cdef give_back(self, Py_ssize_t block)
    cdef resize(self, Py_ssize_t blocks)
