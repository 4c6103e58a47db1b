cimport cython

from unpacket._core.sequence cimport delta
from unpacket.inline.flows cimport Flow
from unpacket.inline.half cimport Half
from unpacket.inline.packets cimport Segment

cdef long long LOW32

cpdef bint is_signed(Segment segment) except *
cpdef check_signature(Flow flow, Segment segment)
cpdef normalize(Segment segment)
@cython.locals(own=Half, other=Half, out="long long")
cpdef long long check_acknowledgement(
    Flow flow, Py_ssize_t number, Segment segment
) except *
@cython.locals(value="long long", later="long long")
cpdef check_timestamp(Flow flow, Half half, Segment segment)
@cython.locals(own=Half, other=Half)
cpdef note_window(
    Flow flow, Py_ssize_t number, Segment segment, long long out, long long edge
)
@cython.locals(
    start="long long", stop="long long", end="long long", room="long long",
)
cpdef tuple trim(Half half, Segment segment, long long max_held_bytes)
cpdef bint takes_fin(Half half, Segment segment, long long stop) except *
@cython.locals(ttl=Py_ssize_t, least=Py_ssize_t)
cpdef raise_ttl(Half half, Segment segment, Py_ssize_t floor)
