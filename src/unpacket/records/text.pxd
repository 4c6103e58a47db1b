cimport cython

from unpacket.records.native cimport text as native

cdef Py_ssize_t FIRST_BYTES, NUMBER_BYTES, TIME_BYTES


@cython.final
cdef class Text:
    cdef bytearray buffer
    cdef readonly Py_ssize_t used
    @cython.locals(length=Py_ssize_t)
    cpdef put(self, str text)
    cpdef number(self, long long value)
    cpdef padded(self, long long value, Py_ssize_t width)
    cpdef time(self, long long time_ns)
    cpdef put_all(self, Text other)
    cpdef str text(self)
    cpdef clear(self)
    cpdef bytes octets(self)
    @cython.locals(data=bytes)
    cpdef bytes take(self)
    @cython.locals(size=Py_ssize_t, larger=bytearray)
    cdef room(self, Py_ssize_t length)
