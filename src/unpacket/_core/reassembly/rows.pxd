cimport cython

from unpacket._core.decode.segments cimport Segments
from unpacket._core.memory.batch cimport Batch
from unpacket._core.native cimport octets as native
from unpacket._core.reassembly.segment cimport Segment
from unpacket._core.reassembly.stream cimport Stream


@cython.locals(seg=Segment)
cpdef Segment segment_of(Segments segments, Batch batch, Py_ssize_t i)
@cython.locals(size=Py_ssize_t, at=Py_ssize_t, octets=bytes)
cpdef list sacks_of(Segments segments, Batch batch, Py_ssize_t i)
@cython.locals(source=Py_ssize_t, side=bytes)
cpdef bytes octets_of(
    Segments segments, Batch batch, Py_ssize_t i, Py_ssize_t start, Py_ssize_t size
)
@cython.locals(stream=Stream)
cpdef Stream stream_of(Segments segments, Batch batch, Py_ssize_t i)
