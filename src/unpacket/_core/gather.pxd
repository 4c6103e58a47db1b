cimport cython

from unpacket._core.events cimport Data

cdef Py_ssize_t PIECE_BYTES


@cython.final
cdef class Gathered:
    cdef readonly list client
    cdef readonly list server
    cdef readonly long long waiting_bytes


@cython.final
cdef class Gatherer:
    cdef readonly list events
    cdef readonly Py_ssize_t at
    cdef readonly dict gathered
    cdef readonly long long waiting_bytes
    cpdef begin(self, list events)
    @cython.locals(events=list, event=object)
    cpdef next(self)
    @cython.locals(gathered=Gathered, payload=bytes, cost=cython.longlong)
    cpdef add(self, Data data)
    @cython.locals(gathered=Gathered)
    cpdef Gathered pop(self, stream)
