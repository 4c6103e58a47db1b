cimport cython

from unpacket._core.native cimport memory
from unpacket._core.native cimport octets as native
from unpacket._core.memory.batch cimport Batch
from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.events cimport Data
from unpacket._core.decode.segments cimport Segments
from unpacket._core.reassembly.stream cimport Stream
from unpacket._core.reassembly.table cimport FlowTable

cdef unsigned int ACK, NOT_PLAIN, GOOD, BAD
cdef unsigned long long IGNORED, IS_CLIENT, SUM_GOOD, TIMESTAMPS
cdef Py_ssize_t NONE, CHUNK, CHUNK_MASK, DELIVERY_WORDS
cdef Py_ssize_t DELIVERED_ROW, DELIVERED_SLOT, DELIVERED_OFFSET, DELIVERED_SIDE
cdef unsigned long long LOW32, HALF32
cdef long long OLD_ACK
cdef long long MAX_COPIES, ONE_COPY, NO_TICK, LATEST_NS, SLOT_MASK
cdef int HASH_SHIFT, SLOT_BITS, TAG_SHIFT, OWNER_SHIFT, TTL_SHIFT, SCALING_SHIFT
cdef Py_ssize_t ROW_WORDS, ROW_A, ROW_B, ROW_NEXT, ROW_ACKED, ROW_WINDOW, ROW_BYTES
cdef Py_ssize_t ROW_PACKETS, ROW_RECORD, ROW_SEQ, ROW_FLAGS, ROW_SEEN, ROW_LAST
cdef Py_ssize_t KEY_A_LO, KEY_B_LO, KEY_A_HI, KEY_B_HI, KEY_PORTS, KEY_OWNER

@cython.locals(
    words="long long[::1]",
    unsigned="unsigned long long[::1]",
    skew_ns=cython.longlong,
    earliest_ns=cython.longlong,
    latest_ns=cython.longlong,
    mask=cython.longlong,
    exact=bint,
    slack=cython.longlong,
    begun=Py_ssize_t,
    time_ns=cython.longlong,
    hashed=cython.longlong,
    place=Py_ssize_t,
    tag=cython.longlong,
    entry=cython.longlong,
    slot=cython.longlong,
    row=Py_ssize_t,
    ports=cython.ulonglong,
    half=Py_ssize_t,
    peer=Py_ssize_t,
    offset=cython.longlong,
    sequences=cython.ulonglong,
    state=cython.ulonglong,
    checksum=cython.uint,
    timed=bint,
    copied=bint,
    window=cython.longlong,
    acked=cython.longlong,
    ahead=cython.longlong,
    length=cython.longlong,
    hops=int,
    recent=cython.ulonglong,
    edge=cython.longlong,
    delivered=Py_ssize_t,
    enough=Py_ssize_t,
)
cpdef Py_ssize_t quick_run(
    Context ctx,
    FlowTable table,
    Segments segments,
    Batch batch,
    Py_ssize_t i,
    Py_ssize_t stop,
) except -1 nogil
@cython.locals(at=Py_ssize_t, stream=Stream)
cpdef tell(Context ctx, FlowTable table, Segments segments, Batch batch)
@cython.locals(i=Py_ssize_t)
cpdef bytes delivered_octets(Segments segments, Batch batch, Py_ssize_t at)
@cython.locals(i=Py_ssize_t, event=Data)
cpdef Data delivered_data(
    Segments segments, Batch batch, Py_ssize_t at, Stream stream, bytes payload
)
@cython.locals(
    mask=cython.longlong,
    entries="long long[::1]",
    rows="int[::1]",
    words="long long[::1]",
    count=Py_ssize_t,
    first=Py_ssize_t,
    i=Py_ssize_t,
    entry=cython.longlong,
    row=Py_ssize_t,
)
cdef int prefetch(
    FlowTable table, Segments segments, Py_ssize_t start
) except -1 nogil
