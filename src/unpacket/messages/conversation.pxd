cimport cython
from libc.stdint cimport int64_t

from unpacket._core.reassembly.events cimport Data, Finished, Gap
from unpacket._core.sequence cimport unwrap, wrap
from unpacket.messages.answers cimport Answer
from unpacket.messages.body cimport Body, Budget, new_body
from unpacket.messages.framer cimport Framer
from unpacket.messages.native cimport find as native
from unpacket.messages.results cimport Message, Skipped, new_message
from unpacket.messages.pairing cimport Exchange, Pairing
from unpacket.messages.reader cimport Mark, Reader
from unpacket.messages.settings cimport Settings

cdef int BOUNDARY, IN_MESSAGE, IN_BODY, TO_END, SCANNING, IN_TUNNEL
cdef int NEED, MESSAGE, PART, UNTIL_END, TUNNEL, SKIP, REFUSE, BROKEN
cdef object CLIENT, SERVER
cdef long long NOWHERE, MAX_OFFSET
cdef Py_ssize_t LOOKED_AT_EACH_TIME, LONGEST_MAGIC


@cython.final
cdef class Conversation:
    cdef readonly object stream
    cdef readonly Framer framer
    cdef readonly Settings settings
    cdef readonly Reader client
    cdef readonly Reader server
    cdef readonly Pairing pairing
    cdef readonly bint swapped
    cdef readonly object protocol
    cdef object opening
    cdef object known_by
    cdef int waiters
    cdef bint client_spoke
    cdef bint closing
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
    cdef Reader reader(self, bint from_server)
    cpdef enqueue(self, Reader reader, event)
    @cython.locals(reader=Reader, goes_on=bint, data=Data)
    cpdef settle(self)
    @cython.locals(awaited=Exchange, client=Reader)
    cdef bint must_wait(self, Reader reader) except -1
    @cython.locals(
        ack=cython.longlong, peer=Reader, base=cython.longlong, mark=Mark,
    )
    cdef int64_t covered(self, Reader reader) except? -2
    cdef int64_t base(self, Reader reader) except? -2
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
    @cython.locals(count=Py_ssize_t, framer=Framer)
    cdef Py_ssize_t tunnelled(
        self, Reader reader, bytes data, Py_ssize_t at, bint ended
    ) except -1
    @cython.locals(length=cython.longlong, count=cython.longlong)
    cdef give_gap(self, Reader reader, Gap event)
    cdef end(self, Reader reader, bint by_fin)
