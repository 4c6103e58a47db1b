cimport cython

from unpacket.messages.conversation cimport Conversation
from unpacket.messages.framer cimport Framer
from unpacket.messages.settings cimport Settings


@cython.final
cdef class Layer:
    cdef readonly dict conversations
    cdef readonly Framer framer
    cdef readonly Settings settings
    cdef Conversation last
    cdef object last_stream
    @cython.locals(out=list)
    cpdef list feed(self, events)
    @cython.locals(found=Conversation)
    cpdef Conversation find(self, stream)
    @cython.locals(found=Conversation)
    cpdef close(self, stream)
    cpdef list finish(self)
