cimport cython

from unpacket._core.decode.segments cimport Segments
from unpacket._core.memory.batch cimport Batch


@cython.final
cdef class TraceRows:
    cdef Py_ssize_t count
    cdef long long[::1] numbers
    @cython.locals(before="long long[::1]")
    cdef add(self, long long frame, long long stream_id)
    cdef add_segment(
        self, Segments segments, Batch batch, Py_ssize_t i, long long stream_id
    )
    cpdef trace(self)
