cimport cython

from unpacket.messages.answers cimport Answer
from unpacket.messages.body cimport Body, Budget, new_body
from unpacket.messages.framer cimport Framer
from unpacket.messages.halves cimport Halves
from unpacket.messages.native cimport find as native
from unpacket.messages.pairing cimport Exchange, Pairing
from unpacket.messages.reader cimport Mark, Reader
from unpacket.messages.results cimport Message, Skipped, new_message
from unpacket.messages.settings cimport Settings

cdef int BOUNDARY, IN_MESSAGE, IN_BODY, TO_END, SCANNING, IN_TUNNEL
cdef int NEED, PART, UNTIL_END, TUNNEL, SKIP, REFUSE, BROKEN
cdef object CLIENT, SERVER
cdef long long MAX_OFFSET
cdef Py_ssize_t LOOKED_AT_EACH_TIME, LONGEST_MAGIC, TLS_MAGIC


cdef class Cutter(Halves):
    @cython.locals(
        at=Py_ssize_t, size=Py_ssize_t, wanted=cython.longlong, count=cython.longlong,
        begin=Py_ssize_t, fresh=bint, candidate=Exchange, answer=Answer, kind=int,
    )
    cdef run(self, Reader reader, bytes data, bint ended)
    @cython.locals(
        size=Py_ssize_t, head=cython.longlong, length=cython.longlong
    )
    cdef Py_ssize_t follow(
        self, Reader reader, Answer answer, bytes data, Py_ssize_t at
    ) except -1
    @cython.locals(
        message=Message, mark=Mark, server=Reader, frame=cython.longlong,
        time_ns=cython.longlong, ack=cython.longlong,
    )
    cdef begin_message(self, Reader reader, Answer answer, Exchange candidate)
    @cython.locals(message=Message)
    cdef add(self, Reader reader, bytes data, Py_ssize_t at, Py_ssize_t count)
    @cython.locals(budget=Budget)
    cdef begin_body(self, Message message)
    @cython.locals(message=Message)
    cdef hole(self, Reader reader, long long length, reason)
    @cython.locals(message=Message, mark=Mark, body=Body, exchange=Exchange)
    cdef end_message(self, Reader reader, bint whole)
    cdef break_message(self, Reader reader)
    @cython.locals(mark=Mark)
    cdef skip(self, Reader reader, Py_ssize_t count)
    cdef end_skip(self, Reader reader)
    @cython.locals(framer=Framer, reader=Reader, count=Py_ssize_t)
    cdef begin_tunnel(self, protocol, opener)
    @cython.locals(reader=Reader)
    cdef enter(self, Framer framer, known_by)
    cdef close_pairing(self)
    @cython.locals(count=Py_ssize_t, framer=Framer, least=Py_ssize_t)
    cdef Py_ssize_t tunnelled(
        self, Reader reader, bytes data, Py_ssize_t at, bint ended
    ) except -1
