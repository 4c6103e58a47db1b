cimport cython

from unpacket.messages.pairing cimport Exchange


@cython.final
cdef class Order:
    cdef readonly dict waiting
    cdef readonly long long following
    cdef readonly long long waiting_bytes
    cdef long long most
    cdef long long most_bytes
    @cython.locals(number=cython.longlong, found=list)
    cpdef list put(self, Exchange exchange)
    @cython.locals(exchange=Exchange)
    cdef go_on(self, list found)
    @cython.locals(found=list, numbers=list, exchange=Exchange)
    cpdef list let_go(self)
    cpdef list rest(self)
