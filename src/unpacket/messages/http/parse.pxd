cimport cython
from libc.stdint cimport int64_t

from unpacket.messages.http.head cimport HttpMessage, Request, Response
from unpacket.messages.native cimport find as native

cdef int CR, LF, SPACE, TAB, COLON
cdef Py_ssize_t INCOMPLETE, MAX_METHOD
cdef long long NO_LENGTH, BAD_LENGTH
cdef int HEAD, CONNECT, NO_CODING, CHUNKED, NOT_CHUNKED
cdef bytes TOKEN, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE


cpdef Py_ssize_t line_end(bytes data, Py_ssize_t start, Py_ssize_t lf) except -1
@cython.locals(at=Py_ssize_t, digits=Py_ssize_t)
cpdef bint is_version(bytes data, Py_ssize_t start, Py_ssize_t stop) except -1
@cython.locals(
    at=Py_ssize_t, size=Py_ssize_t, last=Py_ssize_t, first=Py_ssize_t, blank=bint,
    high=bint, index=Py_ssize_t, octet=cython.uchar,
)
cpdef bint request_line(
    bytes data, Py_ssize_t start, Py_ssize_t stop, Request request
) except -1
@cython.locals(index=Py_ssize_t)
cpdef bint simple_request(
    bytes data, Py_ssize_t start, Py_ssize_t stop, Request request
) except -1
@cython.locals(at=Py_ssize_t, status=int, index=Py_ssize_t)
cpdef bint status_line(
    bytes data, Py_ssize_t start, Py_ssize_t stop, Response response
) except -1
@cython.locals(
    size=Py_ssize_t, at=Py_ssize_t, bare=bint, folds=bint, colonless=bint, spaced=bint,
    count=Py_ssize_t, last=int, stop=Py_ssize_t, first=cython.uchar,
    colon=Py_ssize_t, name_stop=Py_ssize_t, length=Py_ssize_t, lengths=bytes,
    codings=bytes, value=bytes, length_start=Py_ssize_t, length_stop=Py_ssize_t,
)
cpdef Py_ssize_t parse_head(
    bytes data, Py_ssize_t start, Py_ssize_t lf, bint ended, HttpMessage message
) except? -2
@cython.locals(found=cython.longlong, octet=int)
cpdef int64_t plain_length(
    bytes data, Py_ssize_t start, Py_ssize_t stop
) except? -3
cpdef int coding_of(bytes value) except -1
@cython.locals(found=cython.longlong, repeated=bint, length=cython.longlong)
cpdef int64_t length_of(bytes value, HttpMessage message) except? -3
