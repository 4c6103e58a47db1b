cimport cython

from unpacket._core.native cimport octets, sums
from unpacket.inline.envelope cimport Envelope, be16, be32, word_sum

cdef Py_ssize_t USUAL_TIMESTAMPS

@cython.final
cdef class Packet:
    cdef readonly bytes data, offload
    cdef readonly bint partial
    cdef readonly Py_ssize_t gso_size
    cdef readonly object mark

@cython.final
cdef class Segment:
    cdef public Packet packet
    cdef public bytes head, source, target, options, payload
    cdef public tuple key
    cdef public long long seq, ack, window, ts_value, ts_echo
    cdef public Py_ssize_t flags, reserved, urgent, body_at, body_stop, gso_size
    cdef public bint partial, has_timestamps
    cdef public object mark
    cpdef load(self)
    @cython.locals(other=Segment)
    cpdef Segment copy(self)
    @cython.locals(
        packet=Packet, data=bytes, options=bytes, at=Py_ssize_t, stop=Py_ssize_t,
    )
    cpdef Packet sent(self)
    @cython.locals(
        options=bytes, tcp=bytes, body=bytes, data=bytes, gso_size=Py_ssize_t,
        address_bytes=Py_ssize_t,
    )
    cpdef Packet built(self)

@cython.locals(made=Packet)
cpdef Packet packet_of(
    bytes data, bint partial, Py_ssize_t gso_size, bytes offload
)
cpdef Py_ssize_t pseudo_sum(bytes source, bytes target, Py_ssize_t length) except -1
cpdef bytes with_length(bytes head, Py_ssize_t length)
cpdef Py_ssize_t ttl_of(bytes head) except -1
@cython.locals(
    data=bytes, at=Py_ssize_t, stop=Py_ssize_t, length=Py_ssize_t, found=Segment,
    first=Py_ssize_t, second=Py_ssize_t, third=Py_ssize_t, total=Py_ssize_t,
    stamps=bytes,
)
cpdef Segment segment_of(Packet packet, Envelope envelope)
@cython.locals(at=Py_ssize_t, kind=Py_ssize_t, length=Py_ssize_t)
cpdef dict options_of(bytes options)
