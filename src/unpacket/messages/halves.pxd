cimport cython
from libc.stdint cimport int64_t

from unpacket._core.sequence cimport unwrap, wrap
from unpacket.messages.framer cimport Framer
from unpacket.messages.pairing cimport Exchange, Pairing
from unpacket.messages.reader cimport Mark, Reader
from unpacket.messages.settings cimport Settings

cdef object CLIENT, SERVER
cdef long long NOWHERE


cdef class Halves:
    cdef readonly object stream
    cdef readonly Framer framer
    cdef readonly Settings settings
    cdef readonly Reader client
    cdef readonly Reader server
    cdef readonly Pairing pairing
    cdef readonly bint swapped
    cdef readonly object protocol
    cdef object known_by
    cdef readonly object inner
    cdef readonly bint upgrading
    cdef int waiters
    cdef bint client_spoke
    cdef bint closing
    cdef Reader reader(self, bint from_server)
    @cython.locals(awaited=Exchange, client=Reader)
    cdef bint must_wait(self, Reader reader) except -1
    @cython.locals(
        ack=cython.longlong, peer=Reader, base=cython.longlong, mark=Mark,
    )
    cdef int64_t covered(self, Reader reader) except? -2
    cdef int64_t base(self, Reader reader) except? -2
