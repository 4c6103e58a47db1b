cimport cython

from unpacket._core.decode.datagram cimport Datagram
from unpacket._core.memory.batch cimport i64
from unpacket._core.decode.packet cimport Packet

cdef int NONE, FRAGMENT, FRAGMENT_INVALID, FRAGMENT_LIMIT
cdef int FRAGMENT_OVERLAP, FRAGMENT_TIMEOUT
cdef i64 MAX_DATAGRAM, IPV4_HEADER, NUMBER_BYTES
cdef int TCP, TCP_HEADER, HOP_BY_HOP, ROUTING, DESTINATION
cdef int CONTRADICTS, COPY, FIRST, LINUX_QUEUE
cdef unsigned int ODD_FRAGMENTS

@cython.final
cdef class Defragmenter:
    cdef i64 _timeout_ns, _max_bytes, _max_datagrams, _clock_ns
    cdef int _overlap
    cdef object _waiting, _done
    cdef i64[::1] _counters
    cdef readonly list numbers
    cdef readonly i64 held_bytes, completed, duplicates, overlaps, conflicts
    @cython.locals(datagram=Datagram)
    cpdef advance(self, i64 now_ns)
    cpdef finish(self)
    @cython.locals(
        start=i64, stop=i64, limit=i64, data=bytes, key=tuple, datagram=Datagram,
        reason=int, as_linux=bint,
    )
    cpdef int add(
        self, Packet packet, i64 now_ns, int source, i64 number=*
    ) except -1
    cdef int collect(
        self,
        Datagram datagram,
        Packet packet,
        i64 start,
        i64 stop,
        bytes data,
        i64 number,
    ) except -1
    @cython.locals(place=int, reason=int)
    cdef int collect_as_linux(
        self,
        Datagram datagram,
        Packet packet,
        i64 start,
        i64 stop,
        bytes data,
        i64 number,
    ) except -1
    cdef int added(self, Datagram datagram, Packet packet, i64 start) except -1
    cdef make_room(self)
    cdef drop(self, Datagram datagram, int reason)
    cdef forget(self, Datagram datagram)
    cdef recount(self, Datagram datagram, int reason)

@cython.locals(at=Py_ssize_t, count=Py_ssize_t)
cdef bint lacks_header(int protocol, bytes data) except -1
