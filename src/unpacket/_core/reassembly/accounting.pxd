cimport cython

from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.events cimport Conflict, Data
from unpacket._core.reassembly.half cimport Half, HalfExtra
from unpacket._core.reassembly.segment cimport Segment
from unpacket._core.reassembly.stream cimport Stream

cdef long long NEVER
cdef long long EVENT_BYTES, EXTRA_BYTES, HALF_BYTES, HELD_BYTES, LAYER_BYTES, LIST_BYTES
cdef long long PART_BYTES, QUEUE_BYTES, RANGE_BYTES, REJECTED_BYTES, SACK_BYTES
cdef long long SEGMENT_BYTES, TIMER_BYTES
cdef Py_ssize_t MOST_WAITING

cpdef recount(Context ctx, Stream stream)
@cython.locals(size=cython.longlong)
cpdef recount_extra(Context ctx, HalfExtra extra)
cpdef bint may_wait(HalfExtra extra, event) except -1
cpdef drop_extra(Context ctx, Half half)
@cython.locals(size=cython.longlong)
cpdef Py_ssize_t fixed_bytes(Context ctx, Stream stream) except -1
cpdef Py_ssize_t half_bytes(Half half) except -1
@cython.locals(size=cython.longlong)
cpdef Py_ssize_t segment_bytes(Segment seg) except -1
@cython.locals(size=cython.longlong, data=Data)
cpdef Py_ssize_t event_bytes(event) except -1
