cimport cython

from unpacket._core.reassembly.events cimport Closed, Data, Finished, Gap, Urgent


@cython.final
cdef class Watched:
    cdef public list received
    cdef public object connection
    cdef public list held
    cdef public Py_ssize_t held_bytes
    cdef public list given
    cdef public bint passes
    cdef public bint is_late
    cdef public int beginnings
    cdef public object starts
    cdef public Py_ssize_t version


cdef class Decryption:
    cdef readonly object log
    cdef readonly Py_ssize_t decrypted
    cdef readonly list failures
    cdef readonly object reasons
    cdef readonly Py_ssize_t waiting_bytes
    cdef Py_ssize_t _held_bytes
    cdef Py_ssize_t _max_held_bytes
    cdef object _sessions
    cdef dict _watched
    cdef list _out
    cdef object _latest
    cdef Watched _latest_watched
    @cython.locals(watched=Watched, out=list)
    cpdef list feed(self, events)
    cpdef _forget(self, stream)
    cpdef _plain(self, Watched watched, event)
    cpdef _hold(self, Watched watched, event)
    cpdef _carried(self, Watched watched, event)
    cpdef _take(self, connection, event, list out)
