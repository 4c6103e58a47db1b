cimport cython

from unpacket._core.native cimport sums

@cython.final
cdef class Envelope:
    cdef public Py_ssize_t head_bytes, protocol, stop, next_at
    cdef public object fragment

cpdef Py_ssize_t word_sum(bytes data) except -1
@cython.locals(high=Py_ssize_t, low=Py_ssize_t)
cpdef Py_ssize_t be16(bytes data, Py_ssize_t at) except -1
@cython.locals(high=Py_ssize_t, low=Py_ssize_t)
cpdef Py_ssize_t be32(bytes data, Py_ssize_t at) except -1
@cython.locals(version=Py_ssize_t)
cpdef Envelope opened(bytes data)
@cython.locals(
    length=Py_ssize_t, total=Py_ssize_t, stop=Py_ssize_t, word=Py_ssize_t,
    found=Envelope,
)
cpdef Envelope opened_4(bytes data)
@cython.locals(
    stop=Py_ssize_t, found=Envelope, at=Py_ssize_t, kind=Py_ssize_t,
    length=Py_ssize_t,
)
cpdef Envelope opened_6(bytes data)
