cimport cython

from unpacket.messages.answers cimport Answer
from unpacket.messages.framer cimport Framer
from unpacket.messages.http.head cimport HttpMessage, Request
from unpacket.messages.http.parse cimport line_end
from unpacket.messages.native cimport find as native

cdef int HEADS, SIZE, NEXT_SIZE, SEMICOLON, CR, LF, SPACE, TAB
cdef int NEED, MESSAGE, PART, BROKEN
cdef Py_ssize_t MAX_SIZE_LINE
cdef long long MAX_SHIFTED, MAX_LENGTH


cdef class HalfFramer(Framer):
    cdef Answer answer
    cdef HttpMessage item
    cdef readonly Request request
    cdef int state
    cdef bint leading
    cdef bint fresh
    cdef bint certain
    @cython.locals(answer=Answer)
    cdef Answer say(self, int kind, long long length, long long head)
    @cython.locals(at=Py_ssize_t, size=Py_ssize_t)
    cdef Py_ssize_t empty_lines(self, bytes data, Py_ssize_t start) except -1
    cdef begin_item(self, HttpMessage item)
    @cython.locals(answer=Answer)
    cdef Answer begin_chunks(self, long long head)
    @cython.locals(
        item=HttpMessage, size=Py_ssize_t, at=Py_ssize_t, lf=Py_ssize_t,
        value=cython.longlong, digits=Py_ssize_t, index=Py_ssize_t, octet=int,
        blank=Py_ssize_t, framing=Py_ssize_t,
    )
    cdef Answer chunk(self, bytes data, Py_ssize_t start, bint ended)
    @cython.locals(
        item=HttpMessage, begin=Py_ssize_t, size=Py_ssize_t, lf=Py_ssize_t,
        stop=Py_ssize_t,
    )
    cdef Answer trailers(
        self, bytes data, Py_ssize_t start, Py_ssize_t at, bint ended
    )
    @cython.locals(answer=Answer)
    cdef Answer bad_chunk(self, long long length, anomaly)
    cdef Answer cut(self, long long length)
