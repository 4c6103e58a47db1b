cimport cython

from unpacket.inline.flows cimport Flow
from unpacket.inline.half cimport Half
from unpacket.inline.packets cimport Packet, Segment

cdef long long LOW32
cdef Py_ssize_t ACK, CWR, FIN, PSH, RST, SYN
cdef Py_ssize_t LEAST_SEGMENT_BYTES, MAX_WINDOW

@cython.locals(
    own=Half, other=Half, shift=Py_ssize_t, acknowledged="long long",
    in_flight="long long", growth="long long", room="long long",
)
cpdef long long translate_acknowledgement(
    Flow flow, Py_ssize_t number, Segment segment, long long out
) except *
cpdef long long out_of_pure(Half half, long long start) except *
@cython.locals(room=Py_ssize_t, most=Py_ssize_t)
cpdef Py_ssize_t most_bytes(Half half, Half receiver, Segment segment) except -1
@cython.locals(most=Py_ssize_t, payload=bytes, first=Py_ssize_t, part=Segment)
cpdef list cut(
    Half half, Half receiver, Segment segment, long long start, long long stop
)
@cython.locals(
    half=Half, receiver=Half, template=Segment, answer=Segment,
    acknowledged="long long", last=Segment,
)
cpdef Packet acknowledgement(Flow flow, Py_ssize_t number)
cpdef Packet reset(Segment template, long long seq)
cpdef Segment turned(Segment segment)
@cython.locals(answer=Segment)
cpdef Packet answered_with_reset(Segment segment)
