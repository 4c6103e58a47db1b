cimport cython

from unpacket._core.reassembly.events cimport Data, Gap
from unpacket.tls.plain cimport Plain

cdef Py_ssize_t MAX_LOSSES


@cython.final
cdef class Half:
    cdef public object connection
    cdef public object direction
    cdef public object epoch
    cdef public object messages
    cdef public object search
    cdef public object reason
    cdef public list changes
    cdef public list losses
    cdef public bytearray pending
    cdef public Plain plain
    cdef public long long start
    cdef public long long skip_until
    cdef public long long wanted
    cdef public long long frame
    cdef public long long time_ns
    cdef public long long typical
    cdef public bint exact
    cdef public bint acknowledged
    cdef public unsigned int doubts
    cpdef data(self, Data event)
    @cython.locals(
        pending=bytearray, at=Py_ssize_t, left=Py_ssize_t, count=Py_ssize_t,
        stop=Py_ssize_t, header=bytes, fragment=bytes,
    )
    cpdef run(self)
    cpdef forget(self, Py_ssize_t at)
    cpdef Py_ssize_t lose_place(self, Py_ssize_t at) except *
    @cython.locals(stop=cython.longlong, at=cython.longlong, end=cython.longlong)
    cpdef gap(self, Gap event)
    cpdef drop(self, long long start)
    cpdef begin_search(self, long long start)
    @cython.locals(kind=int)
    cpdef record(self, bytes header, bytes fragment, long long offset)
    @cython.locals(event=Data)
    cpdef opened(self, bytes header, bytes text, long long offset, Py_ssize_t size)
    cpdef advance(self)
