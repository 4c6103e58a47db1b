cimport cython

from unpacket.inline.admitted cimport Admitted
from unpacket.inline.emission cimport acknowledgement, cut, out_of_pure
from unpacket.inline.flows cimport Flow
from unpacket.inline.half cimport Half
from unpacket.inline.outbox cimport Outcome
from unpacket.inline.packets cimport Segment

cdef long long LOW32
cdef Py_ssize_t ACK, FIN, PSH, RST, SYN

@cython.locals(
    segment=Segment, outcome=Outcome, is_fin=Py_ssize_t, holds=bint, was_held=bint,
    made=list,
)
cpdef emit(
    Admitted found, Half half, long long before, long long out_before, bint replaces
)
@cython.locals(segment=Segment, below="long long")
cpdef cut_acknowledged(Admitted found, Half half)
cpdef long long out_of_reset(Half half, long long start) except *
@cython.locals(
    flow=Flow, segment=Segment, receiver=Half, start="long long", stop="long long",
    out_start="long long", out_stop="long long",
)
cpdef list translated(Admitted found, Half half, long long out_before)
cpdef remember(Half half, Segment segment, Admitted found)
