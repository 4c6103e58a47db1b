cimport cython

from unpacket.sinks.native cimport blocks as native
from unpacket._core.memory.batch cimport Batch
from unpacket._core.memory.byte_chains cimport Growing

cdef Py_ssize_t FIRST_BYTES


@cython.final
cdef class Part:
    cdef Growing growing
    cdef Py_ssize_t number
    cdef public long long left
    cdef public long long link_type
    @cython.locals(length=Py_ssize_t)
    cpdef bytearray add_frame(
        self, Batch batch, Py_ssize_t i, bytes options, bytearray block
    )
    cpdef add(self, bytes data)
    cpdef Py_ssize_t take(self, bytearray target) except -1
    cpdef Py_ssize_t length(self) except -1
    cpdef Py_ssize_t cost(self) except -1
    cpdef end(self)


@cython.final
cdef class Partition:
    cdef const long long[::1] frames
    cdef const long long[::1] ids
    cdef readonly list parts
    cdef const long long[::1] told
    cdef Py_ssize_t told_at
    cdef object say
    cdef readonly Py_ssize_t at
    cdef Batch batch
    cdef bytearray block
    cpdef begin(self, Batch batch)
    @cython.locals(
        batch=Batch,
        first=cython.longlong,
        stop=cython.longlong,
        number=cython.longlong,
        count=Py_ssize_t,
        i=Py_ssize_t,
        row=Py_ssize_t,
        part=Part,
        options=bytes,
    )
    cpdef Py_ssize_t next(self) except -2
    cdef bint is_told(self, long long number) except -1


@cython.locals(at=Py_ssize_t)
cpdef bint increasing(const long long[::1] numbers) except -1
@cython.locals(at=Py_ssize_t, most=cython.longlong, counts="long long[::1]")
cpdef object counted(const long long[::1] numbers)
