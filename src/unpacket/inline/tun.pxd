cimport cython

from unpacket.inline.native cimport descriptors
from unpacket.inline.outbox cimport Outcome
from unpacket.inline.packets cimport Packet, packet_of

@cython.final
cdef class Tun:
    cdef readonly object name
    cdef public Py_ssize_t lost
    cdef bint _offload
    cdef int _descriptor
    cdef bytearray _head, _room
    @cython.locals(data=bytes, flags=Py_ssize_t, kind=Py_ssize_t, gso_size=Py_ssize_t)
    cpdef Packet read(self)
    @cython.locals(packets=list, packet=Packet)
    cpdef list read_many(self, object origin, Py_ssize_t most)
    @cython.locals(head=bytes)
    cpdef write(self, Packet packet)

@cython.locals(outcome=Outcome, packet=Packet, tun=Tun, number=Py_ssize_t)
cpdef send_all(list outcomes, list devices)
