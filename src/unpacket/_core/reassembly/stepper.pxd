cimport cython

from unpacket._core.decode.checksum_states cimport HostSums
from unpacket._core.decode.decoder cimport Decoder
from unpacket._core.decode.segments cimport Segments
from unpacket._core.memory.batch cimport Batch
from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.demultiplexer cimport Demultiplexer
from unpacket._core.reassembly.events cimport Data
from unpacket._core.reassembly.fast_path cimport (
    delivered_data, delivered_octets, tell
)
from unpacket._core.reassembly.payload_gatherer cimport Gatherer
from unpacket._core.reassembly.run cimport Run
from unpacket._core.reassembly.stream cimport Stream
from unpacket._core.reassembly.table cimport FlowTable

cdef int STEP_DELIVERY, STEP_DONE, STEP_EVENTS
cdef Py_ssize_t ALL_SEGMENTS, DELIVERED_SIDE, DELIVERED_SLOT, EVENTS_PORTION


cdef class Stepper:
    cdef readonly Decoder decoder
    cdef readonly HostSums sums
    cdef Context ctx
    cdef FlowTable table
    cdef Demultiplexer demultiplexer
    cdef Run run
    cdef object observer

    cpdef gather(self, Gatherer gatherer)
    cpdef observe(self, observer)
    cpdef begin(self, batch)
    @cython.locals(segments=Segments, at=Py_ssize_t)
    cpdef list decode(self, Batch batch, list free)
    cpdef begin_decoded(self, Batch batch, list decoded)
    cpdef list proceed(self, Py_ssize_t count)
    cpdef list step(self)
    @cython.locals(segments=Segments)
    cdef int step_apart(self) except -1
    cdef Stream delivery_stream(self)
    cdef bint delivery_is_client(self) except -1
    cdef bytes delivery_octets(self)
    cdef Data delivery(self, bytes payload)
    cpdef list take(self)
    @cython.locals(
        run=Run,
        demultiplexer=Demultiplexer,
        row=Py_ssize_t,
        stop=Py_ssize_t,
    )
    cdef work(self, Py_ssize_t count, bint to_event, Py_ssize_t most_events=*)
    cdef bint more(self) except -1
