from unpacket.messages.answers cimport Answer


cdef class Framer:
    cpdef object begin(self, int direction, bint whole)
    cpdef Answer frame(self, bytes data, Py_ssize_t start, bint ended)
    cpdef Py_ssize_t find_start(
        self, bytes data, Py_ssize_t start, bint ended
    ) except? -1
    cpdef int side(self, bytes data, bint ended) except? -2
    cpdef object expect(self, object request, bint certain)
    cpdef object reset(self)
    cpdef int begins(self, bytes data, bint ended) except? -1
    cpdef object tunnel(self, object protocol, object opener)
    cpdef object opened(self, object opener)
