cimport cython

from unpacket.messages.answers cimport Answer
from unpacket.messages.framer cimport Framer
from unpacket.messages.http.chunks cimport HalfFramer
from unpacket.messages.http.head cimport (
    HttpMessage, Request, Response, new_request, new_response
)
from unpacket.messages.http.parse cimport (
    line_end, parse_head, request_line, simple_request, status_line
)
from unpacket.messages.native cimport find as native

cdef int HEADS, LF, HEAD, CONNECT, CHUNKED, NOT_CHUNKED
cdef int NEED, MESSAGE, UNTIL_END, TUNNEL, SKIP, REFUSE, BROKEN
cdef Py_ssize_t MAX_STATUS_LINE, INCOMPLETE
cdef long long NO_LENGTH, BAD_LENGTH, MAX_LENGTH
cdef bytes PREFACE


cdef class RequestFramer(HalfFramer):
    @cython.locals(
        count=Py_ssize_t, size=Py_ssize_t, lf=Py_ssize_t, stop=Py_ssize_t,
        request=Request, answer=Answer, end=Py_ssize_t, whole=bint,
        head=cython.longlong, length=cython.longlong,
    )
    cpdef Answer frame(self, bytes data, Py_ssize_t start, bint ended)
    @cython.locals(answer=Answer)
    cdef Answer preface(self)
    cdef Answer refused(self)


cdef class ResponseFramer(HalfFramer):
    @cython.locals(
        count=Py_ssize_t, size=Py_ssize_t, lf=Py_ssize_t, stop=Py_ssize_t,
        response=Response, answer=Answer, end=Py_ssize_t, whole=bint, asked=Request,
        bare=bint, left=Py_ssize_t,
    )
    cpdef Answer frame(self, bytes data, Py_ssize_t start, bint ended)
    @cython.locals(
        status=int, code=int, interim=bint, answer=Answer, length=cython.longlong
    )
    cdef Answer frame_body(
        self, Response response, Request asked, long long head, bint whole,
        bint bare,
    )
    cdef Answer refused(self)


cpdef str upgraded(Response response)


cdef class Http(Framer):
    cdef readonly dict tunnels
