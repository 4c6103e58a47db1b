cimport cython

from unpacket._core.decode.checksum_states cimport HostSums
from unpacket._core.decode.decoder cimport Decoder
from unpacket._core.decode.segments cimport Segments
from unpacket._core.memory.batch cimport Batch


@cython.final
cdef class Run:
    cdef Batch batch
    cdef Segments segments
    cdef Segments own_segments
    cdef Py_ssize_t row
    cdef list decoded
    cdef Py_ssize_t frame_index
    cdef bint lets_go
    cdef long long last_ns
    cdef begin(self, Batch batch)
    cdef begin_decoded(self, Batch batch, list decoded)
    cdef long long time_before(self, Py_ssize_t row) except *
    @cython.locals(batch=Batch)
    cdef bint more(self, Decoder decoder, HostSums sums) except -1
