cimport cython

from unpacket._core cimport inline_blocks as native
from unpacket._core.batch cimport Batch

cdef Py_ssize_t PIECE_BYTES


@cython.final
cdef class Part:
    cdef public long long left
    cdef public long long link_type
    cdef public list pieces
    cdef public long long waiting_bytes
    cpdef add(self, bytes data)


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
