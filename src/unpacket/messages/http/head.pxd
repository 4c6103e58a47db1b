cimport cython

from unpacket.messages.http.fields cimport field_value, parse_fields
from unpacket.messages.native cimport garbage
from unpacket.messages.results cimport Message, clear

cdef long long NO_LENGTH
cdef int OTHER, CONNECT, NO_CODING, CHUNKED


cdef class HttpMessage(Message):
    cdef public bytes head
    cdef public bytes trailers_raw
    cdef list _fields
    cdef object _decoded
    cdef public long long declared
    cdef public Py_ssize_t fields_start
    cdef public Py_ssize_t version_start
    cdef public Py_ssize_t version_stop
    cdef public Py_ssize_t headers_n
    cdef public int coding
    cdef public bint upgrades
    cdef public bint old


@cython.final
cdef class Request(HttpMessage):
    cdef public Py_ssize_t method_stop
    cdef public Py_ssize_t target_start
    cdef public Py_ssize_t target_stop
    cdef public int method_code


@cython.final
cdef class Response(HttpMessage):
    cdef public Py_ssize_t reason_start
    cdef public Py_ssize_t reason_stop
    cdef public int status_code


cdef empty(HttpMessage message)
@cython.locals(request=Request)
cpdef Request new_request()
@cython.locals(response=Response)
cpdef Response new_response()
