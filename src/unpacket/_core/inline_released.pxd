# What inline_released.py says, for the compiled core.

from unpacket._core.batch cimport Batch
from unpacket._core.decode cimport Decoder
from unpacket._core.duplicates cimport Duplicates
from unpacket._core.segments cimport Segments


cdef inline Py_ssize_t run(
    Decoder decoder, Batch batch, Segments segments, Py_ssize_t start
) except -1:
    with nogil:
        start = decoder._run(batch, segments, start)
    return start


cdef inline mark(Duplicates duplicates, Batch batch, Segments segments):
    with nogil:
        duplicates.mark(batch, segments)
