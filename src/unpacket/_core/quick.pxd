cimport cython

from unpacket._core cimport inline_memory as memory
from unpacket._core cimport inline_octets as native
from unpacket._core.inline_memory cimport prefetch_object
from unpacket._core.batch cimport Batch
from unpacket._core.context cimport Context
from unpacket._core.events cimport Data
from unpacket._core.history cimport History
from unpacket._core.segments cimport Segments
from unpacket._core.state cimport Half, Stream, direction_of
from unpacket._core.table cimport FlowTable

cdef unsigned int ACK, IGNORED, SIMPLE, SUM_GOOD, TIMESTAMPS, ZERO_WINDOW
cdef unsigned int FIN_SYN_RST_ACK, GOOD, BAD
cdef Py_ssize_t CHUNK, CHUNK_MASK
cdef long long NO_TICK, LOW32, HALF32, LATEST_NS, SLOT_MASK
cdef int HASH_SHIFT, SLOT_BITS, TAG_SHIFT

@cython.locals(
    history=History,
    skew_ns=cython.longlong,
    earliest_ns=cython.longlong,
    latest_ns=cython.longlong,
    mask=cython.longlong,
    begun=Py_ssize_t,
    time_ns=cython.longlong,
    hashed=cython.longlong,
    place=Py_ssize_t,
    tag=cython.longlong,
    entry=cython.longlong,
    stream=Stream,
    half=Half,
    peer=Half,
    offset=cython.longlong,
    checksum=cython.uint,
    timed=bint,
    window=cython.longlong,
    acked=cython.longlong,
    ahead=cython.longlong,
    length=cython.longlong,
    ttl=int,
    edge=cython.longlong,
    frame=cython.longlong,
    start=Py_ssize_t,
    wanted=bint,
    side=bytes,
    payload=bytes,
)
cpdef Py_ssize_t run(
    Context ctx,
    FlowTable table,
    Segments segments,
    Batch batch,
    Py_ssize_t i,
    Py_ssize_t stop,
) except -1
@cython.locals(
    mask=cython.longlong,
    entries="long long[::1]",
    streams=list,
    count=Py_ssize_t,
    first=Py_ssize_t,
    i=Py_ssize_t,
    entry=cython.longlong,
)
cdef prefetch(FlowTable table, Segments segments, Py_ssize_t start)
@cython.locals(event=Data)
cdef give(
    Context ctx,
    Stream stream,
    Half half,
    long long offset,
    bytes payload,
    long long frame,
    long long time_ns,
)
