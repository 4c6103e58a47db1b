cimport cython

from unpacket._core.reassembly.events cimport Data, Finished, Gap
from unpacket.messages.body cimport Body
from unpacket.messages.cutter cimport Cutter
from unpacket.messages.framer cimport Framer
from unpacket.messages.pairing cimport Pairing
from unpacket.messages.reader cimport Reader
from unpacket.messages.results cimport Message
from unpacket.messages.settings cimport Settings

cdef int IN_MESSAGE, IN_BODY, TO_END, SCANNING, IN_TUNNEL
cdef object SERVER


@cython.final
cdef class Conversation(Cutter):
    cdef object opening
    @cython.locals(reader=Reader, payload=bytes)
    cpdef data(self, Data event)
    @cython.locals(reader=Reader)
    cpdef gap(self, Gap event)
    @cython.locals(reader=Reader)
    cpdef finished(self, Finished event)
    @cython.locals(reader=Reader, client=Reader, server=Reader)
    cpdef closed(self)
    @cython.locals(sender=int, side=int, over=bint)
    cpdef decide(self, Data event)
    @cython.locals(whole=bint)
    cpdef choose(self, opening, bint ended)
    cpdef replay(self)
    cpdef enqueue(self, Reader reader, event)
    @cython.locals(reader=Reader, goes_on=bint, data=Data)
    cpdef settle(self)
    @cython.locals(
        data=bytes, size=Py_ssize_t, message=Message, body=Body, at=Py_ssize_t
    )
    cdef give(self, Reader reader, Data event)
    @cython.locals(
        data=bytes, received=cython.longlong, at=Py_ssize_t, limit=cython.longlong,
        before=cython.longlong,
    )
    cdef Py_ssize_t take_turns(self, Reader reader, Data event) except -1
    cdef take(self, Reader reader, bytes data)
    @cython.locals(data=bytes)
    cdef look(self, Reader reader, bint ended)
    @cython.locals(length=cython.longlong, count=cython.longlong)
    cdef give_gap(self, Reader reader, Gap event)
    cdef end(self, Reader reader, bint by_fin)
