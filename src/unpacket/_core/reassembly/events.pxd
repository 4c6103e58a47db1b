cimport cython


@cython.final
cdef class Opened:
    cdef readonly object stream
    cdef readonly long long frame
    cdef readonly long long time_ns


@cython.final
cdef class Data:
    cdef readonly object stream
    cdef readonly object direction
    cdef readonly long long offset
    cdef readonly object payload
    cdef readonly long long frame
    cdef readonly long long time_ns
    cdef readonly long long ack
    cdef readonly list parts
    cdef readonly bint acknowledged
    cdef readonly unsigned int doubts


@cython.final
cdef class Gap:
    cdef readonly object stream
    cdef readonly object direction
    cdef readonly long long offset
    cdef readonly long long length
    cdef readonly object reason
    cdef readonly long long frame
    cdef readonly long long time_ns
    cdef readonly bint at_end


@cython.final
cdef class Urgent:
    cdef readonly object stream
    cdef readonly object direction
    cdef readonly long long offset
    cdef readonly object payload
    cdef readonly long long frame
    cdef readonly long long time_ns


@cython.final
cdef class Conflict:
    cdef readonly object stream
    cdef readonly object direction
    cdef readonly long long offset
    cdef readonly object kept
    cdef readonly object other
    cdef readonly long long kept_frame
    cdef readonly long long other_frame
    cdef readonly long long frame
    cdef readonly long long time_ns


@cython.final
cdef class Rejected:
    cdef readonly object stream
    cdef readonly object direction
    cdef readonly object reason
    cdef readonly object offset
    cdef readonly object payload
    cdef readonly long long frame
    cdef readonly long long time_ns


@cython.final
cdef class Note:
    cdef readonly object stream
    cdef readonly object direction
    cdef readonly object kind
    cdef readonly long long offset
    cdef readonly long long seq
    cdef readonly object payload
    cdef readonly long long frame
    cdef readonly long long time_ns


@cython.final
cdef class Finished:
    cdef readonly object stream
    cdef readonly object direction
    cdef readonly long long frame
    cdef readonly long long time_ns


@cython.final
cdef class Closed:
    cdef readonly object stream
    cdef readonly object reason
    cdef readonly long long frame
    cdef readonly long long time_ns


@cython.locals(event=Opened)
cpdef Opened opened(stream, long long frame, long long time_ns)
@cython.locals(event=Finished)
cpdef Finished finished(stream, direction, long long frame, long long time_ns)
@cython.locals(event=Closed)
cpdef Closed closed(stream, reason, long long frame, long long time_ns)
