cimport cython

from unpacket._core cimport inline_blocks as native
from unpacket._core cimport inline_fill as filling
from unpacket._core.batch cimport Batch

cdef long long BLOCK_COST, LONGEST_BLOCK


@cython.final
cdef class Part:
    cdef public long long left
    cdef public long long link_type
    cdef list full
    cdef bytearray tail
    cdef Py_ssize_t used
    cdef Py_ssize_t size
    cdef readonly long long waiting_bytes
    @cython.locals(length=Py_ssize_t)
    cpdef add(self, bytes data)
    @cython.locals(length=Py_ssize_t)
    cdef add_frame(self, Batch batch, Py_ssize_t i)
    @cython.locals(tail=bytearray)
    cdef bytearray room(self, Py_ssize_t length)
    cdef end_block(self)
    @cython.locals(blocks=list)
    cpdef list take(self)


@cython.final
cdef class Partition:
    cdef const long long[::1] frames
    cdef const long long[::1] ids
    cdef readonly list parts
    cdef readonly set told
    cdef readonly Py_ssize_t at
    cdef Batch batch
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
    )
    cpdef Py_ssize_t next(self) except -2
