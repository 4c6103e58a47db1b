cimport cython

from unpacket.messages.framer cimport Framer
from unpacket.messages.results cimport Message
from unpacket.messages.pairing cimport Exchange

cdef int BOUNDARY
cdef Py_ssize_t MAX_MARKS


@cython.final
cdef class Mark:
    cdef readonly long long offset
    cdef readonly long long frame
    cdef readonly long long time_ns
    cdef readonly long long ack


@cython.locals(mark=Mark)
cpdef Mark new_mark(long long offset, long long frame, long long time_ns, long long ack)


@cython.final
cdef class Reader:
    cdef public object direction
    cdef public Framer framer
    cdef public Message message
    cdef public Exchange exchange
    cdef public Exchange awaits
    cdef public bytearray pending
    cdef public object queue
    cdef public list marks
    cdef public long long offset
    cdef public long long received
    cdef public long long remaining
    cdef public long long queued_bytes
    cdef public long long wanted
    cdef public long long skip_start
    cdef public long long broken_at
    cdef public long long skip_frame
    cdef public long long skip_ns
    cdef public long long tunnel_start
    cdef public long long tunnel_bytes
    cdef public long long base
    cdef public long long now_offset
    cdef public long long now_frame
    cdef public long long now_ns
    cdef public long long now_ack
    cdef public int mode
    cdef public bint server
    cdef public bint more
    cdef public bint blocked
    cdef public bint forced
    cdef public bint refused
    cdef public bint ended
    cpdef arrive(
        self, long long offset, long long frame, long long time_ns, long long ack
    )
    @cython.locals(low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t, mark=Mark)
    cpdef Mark mark(self, long long offset)
