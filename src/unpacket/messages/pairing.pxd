cimport cython

from unpacket._core.sequence cimport delta, wrap
from unpacket.messages.native cimport garbage
from unpacket.messages.results cimport Message
from unpacket.messages.settings cimport Settings

cdef long long FEW


@cython.final
cdef class Exchange:
    cdef public object stream
    cdef public object pairing
    cdef public object request
    cdef public object response
    cdef public list interim_list
    cdef public long long number
    cdef public long long ack
    cdef public long long head_bytes
    cdef public int open_messages
    @cython.locals(found=cython.longlong, message=Message)
    cpdef Py_ssize_t body_bytes(self) except -1


@cython.locals(exchange=Exchange)
cpdef Exchange new_exchange(stream, long long number)


@cython.final
cdef class Pairing:
    cdef readonly list waiting
    cdef readonly list loose
    cdef readonly list interim
    cdef readonly list holes
    cdef readonly list unseen
    cdef readonly Settings settings
    cdef readonly object stream
    cdef readonly long long known
    cdef readonly long long covered
    cdef readonly bint certain
    cdef readonly bint blind
    cdef readonly bint asked_unseen
    cdef readonly bint sliding
    @cython.locals(exchange=Exchange, latest=Exchange, ahead=cython.longlong)
    cpdef Exchange request(
        self, Message message, long long ack, long long head_bytes, long long answered,
        long long base,
    )
    @cython.locals(exchange=Exchange)
    cdef Exchange begin(self)
    @cython.locals(
        exchange=Exchange, message=Message, earlier=Py_ssize_t, sought=cython.longlong,
        before=cython.longlong, start=cython.longlong, hidden=Py_ssize_t,
    )
    cpdef Exchange candidate(self, long long offset, long long covered, long long base)
    @cython.locals(exchange=Exchange, message=Message)
    cpdef bint in_order(self) except -1
    @cython.locals(found=Py_ssize_t, exchange=Exchange, ahead=cython.longlong)
    cpdef Py_ssize_t hidden(self, Py_ssize_t count, long long base) except -1
    @cython.locals(following=Exchange, ahead=cython.longlong)
    cpdef Exchange response(
        self, Message message, Exchange exchange, long long covered, long long base
    )
    cpdef add_interim(self, Message message)
    @cython.locals(exchange=Exchange)
    cpdef resolve(self, Exchange until)
    cpdef decide(self, Exchange exchange, str pairing)
    cpdef hole(self, bint server, long long start, long long stop, bint cut)
    cpdef over(self, Exchange exchange)
    @cython.locals(message=Message)
    cpdef give_out(self, Exchange exchange)
    cpdef close(self, bint server_seen)
