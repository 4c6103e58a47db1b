cimport cython

from unpacket._core.context cimport NEVER, NS, Context
from unpacket._core.segments cimport Segments
from unpacket._core.state cimport HALF_BYTES, STREAM_BYTES, Half, Stream

cdef int FIRST_BITS, FIRST_SLOTS, HASH_SHIFT, EMPTY
cdef long long WHEEL, WHEEL_MASK


@cython.final
cdef class FlowTable:
    cdef unsigned long long mask
    cdef unsigned long long[::1] tags
    cdef int[::1] slots
    cdef readonly list streams
    cdef list free
    cdef readonly Py_ssize_t live
    cdef Py_ssize_t used
    cdef readonly long long tick
    cdef int[::1] wheel
    cdef int[::1] next_timed
    @cython.locals(mask=cython.ulonglong, tag=cython.ulonglong, place=cython.ulonglong, slot=int, stream=Stream)
    cdef Stream find(self, Segments segments, Py_ssize_t i)
    @cython.locals(mixed=int, mask=cython.ulonglong, i=Py_ssize_t)
    cdef int touch(self, Segments segments, Py_ssize_t start, Py_ssize_t stop) except? -1
    cdef add(self, Stream stream)
    @cython.locals(place=cython.ulonglong)
    cdef link(self, Stream stream)
    @cython.locals(size=Py_ssize_t, old_tags='unsigned long long[::1]', old_slots='int[::1]', index=Py_ssize_t, slot=int, place=cython.ulonglong)
    cdef grow(self)
    @cython.locals(mask=cython.ulonglong, place=cython.ulonglong, hole=cython.ulonglong, home=cython.ulonglong, slot=int)
    cdef remove(self, Stream stream)
    cdef start_clock(self, long long now_ns)
    @cython.locals(tick=cython.longlong, bucket=cython.longlong)
    cdef schedule(self, int slot, long long deadline_ns)
    @cython.locals(bucket=cython.longlong, slot=int, following=int, due=list, stream=Stream)
    cdef list take_bucket(self, long long tick)
    @cython.locals(ahead=cython.longlong)
    cdef list idlest(self)


@cython.locals(view='int[::1]', index=Py_ssize_t)
cpdef integers(Py_ssize_t count, int value)
cpdef tags(Py_ssize_t count)
@cython.locals(first=Half, second=Half, wait=cython.longlong)
cpdef Py_ssize_t deadline(Context ctx, Stream stream) except? -1
@cython.locals(half=Half)
cpdef bint unanswered(Stream stream) except -1
@cython.locals(size=cython.longlong)
cpdef Py_ssize_t cost(Stream stream) except -1
