cimport cython

from unpacket._core.native cimport fill as native
from unpacket._core.native cimport memory
from unpacket._core.memory.batch cimport Batch

cdef Py_ssize_t NONE, SMALL_BYTES, MIDDLE_BYTES, LARGE_BYTES, IN_LARGE, LARGE_UNITS
cdef Py_ssize_t MIDDLE_FROM, LARGE_FROM, FIRST_UNITS
cdef int UNIT_SHIFT, SMALL, MIDDLE, LARGE
cdef Py_ssize_t FIRST, LAST, LENGTH, DRAWN, CHAIN_WORDS, CHAIN_COST, FIRST_CHAINS


@cython.final
cdef class Growing:
    cdef unsigned char[::1] data
    cdef int[::1] following
    cdef long long[::1] chains
    cdef long long[::1] free
    cdef Py_ssize_t at
    cdef Py_ssize_t used_units
    cdef Py_ssize_t ended
    cdef Py_ssize_t used_chains
    cdef readonly long long waiting_bytes
    @cython.locals(number=Py_ssize_t, row=Py_ssize_t)
    cpdef Py_ssize_t begin(self) except -1
    @cython.locals(row=Py_ssize_t)
    cpdef Py_ssize_t length(self, Py_ssize_t number) except -1
    @cython.locals(row=Py_ssize_t, length=Py_ssize_t)
    cpdef Py_ssize_t cost(self, Py_ssize_t number) except -1
    @cython.locals(stop=Py_ssize_t, count=Py_ssize_t)
    cpdef extend(
        self, Py_ssize_t number, Batch batch, Py_ssize_t start, Py_ssize_t length
    )
    @cython.locals(start=Py_ssize_t, stop=Py_ssize_t, count=Py_ssize_t)
    cpdef extend_bytes(self, Py_ssize_t number, bytes data)
    @cython.locals(start=Py_ssize_t, count=Py_ssize_t)
    cpdef extend_block(self, Py_ssize_t number, bytearray block, Py_ssize_t length)
    @cython.locals(
        row=Py_ssize_t,
        length=Py_ssize_t,
        drawn=Py_ssize_t,
        block=Py_ssize_t,
        moved=Py_ssize_t,
        size=int,
        count=Py_ssize_t,
        following=Py_ssize_t,
        ahead=Py_ssize_t,
    )
    cpdef Py_ssize_t draw(self, Py_ssize_t number, bytearray target) except -1
    @cython.locals(
        row=Py_ssize_t,
        drawn=Py_ssize_t,
        block=Py_ssize_t,
        size=int,
        following=Py_ssize_t,
    )
    cpdef end(self, Py_ssize_t number)
    @cython.locals(
        row=Py_ssize_t,
        before=Py_ssize_t,
        size=int,
        used=Py_ssize_t,
        block=Py_ssize_t,
    )
    cdef Py_ssize_t room(self, Py_ssize_t number, Py_ssize_t length) except -1
    @cython.locals(block=Py_ssize_t, units=Py_ssize_t, rest=Py_ssize_t)
    cdef Py_ssize_t take(self, int size) except -1
    cdef give_back(self, Py_ssize_t block, int size)
    cdef resize(self, Py_ssize_t units)


cdef int size_at(Py_ssize_t length) noexcept
cdef Py_ssize_t size_bytes(int size) noexcept
