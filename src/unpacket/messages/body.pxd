cimport cython
from libc.stdint cimport int64_t

from unpacket.messages.native cimport garbage

cdef Py_ssize_t PIECE_BYTES, SHORT_BYTES


@cython.final
cdef class Budget:
    cdef public long long used_bytes
    cdef public long long memory_bytes
    cdef public long long spill_bytes
    cdef public bint keep
    cdef public object sink
    cdef public object file
    cpdef object store(self)


@cython.final
cdef class Body:
    cdef public Budget budget
    cdef public list holes
    cdef readonly long long length
    cdef readonly long long observed
    cdef readonly long long memory_bytes
    cdef public list pieces
    cdef bytearray tail
    cdef public object store
    cdef public object sink
    @cython.locals(size=Py_ssize_t, budget=Budget)
    cpdef append(self, bytes data)
    cpdef settle(self)
    cpdef hole(self, long long length, reason)
    @cython.locals(budget=Budget, piece=bytes)
    cpdef spill(self)
    cpdef release(self)
    cpdef int64_t first_hole(self) except? -1
    @cython.locals(whole=bytes)
    cpdef bytes joined(self)


@cython.locals(body=Body)
cpdef Body new_body(Budget budget, sink)
