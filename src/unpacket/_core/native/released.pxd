# What released.py says, for the compiled core.

from unpacket._core.memory.batch cimport Batch
from unpacket._core.decode.channels cimport Channels
from unpacket._core.reassembly.context cimport Context
from unpacket._core.decode.decoder cimport Decoder
from unpacket._core.decode.duplicates cimport Duplicates
from unpacket._core.reassembly.fast_path cimport quick_run
from unpacket._core.decode.segments cimport Segments
from unpacket._core.reassembly.table cimport FlowTable


cdef inline Py_ssize_t run(
    Decoder decoder, Batch batch, Segments segments, Py_ssize_t start
) except -1:
    with nogil:
        start = decoder._run(batch, segments, start)
    return start


cdef inline mark(Duplicates duplicates, Batch batch, Segments segments):
    with nogil:
        duplicates.mark(batch, segments)


cdef inline Py_ssize_t reassemble(
    Context ctx,
    FlowTable table,
    Segments segments,
    Batch batch,
    Py_ssize_t i,
    Py_ssize_t stop,
) except -1:
    with nogil:
        i = quick_run(ctx, table, segments, batch, i, stop)
    return i


cdef inline tell_channels(Channels channels, Batch batch, Segments segments):
    with nogil:
        channels.tell(batch, segments)
