cimport cython

from unpacket._core.decode.segments cimport Segments
from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.enlisting cimport enlist, seen
from unpacket._core.reassembly.half cimport Half
from unpacket._core.reassembly.ledger cimport Ledger
from unpacket._core.reassembly.stream cimport Stream

cdef long long NEVER, NO_TICK, NS

cdef unsigned int SYN_SEEN
cdef int FIRST_BITS, FIRST_SLOTS, HASH_SHIFT, TAG_SHIFT, SLOT_BITS, NONE
cdef int FIRST_BUCKET, SAMPLE
cdef long long SLOT_MASK, WHEEL, WHEEL_MASK


@cython.final
cdef class FlowTable:
    cdef long long mask
    cdef long long[::1] entries
    cdef readonly list streams
    cdef int free
    cdef readonly Ledger ledger
    cdef int[::1] rows
    cdef readonly Py_ssize_t live
    cdef readonly long long tick
    cdef int[::1] wheel
    cdef int[::1] next_timed
    cdef int[::1] timed_before
    cdef Py_ssize_t hand
    @cython.locals(
        mask=cython.longlong,
        hashed=cython.longlong,
        tag=cython.longlong,
        place=cython.longlong,
        entry=cython.longlong,
        stream=Stream,
    )
    cdef Stream find(self, Segments segments, Py_ssize_t i)
    cdef add(self, Stream stream)
    @cython.locals(place=cython.longlong, tag=cython.longlong)
    cdef link(self, Stream stream)
    @cython.locals(
        size=Py_ssize_t,
        old="long long[::1]",
        index=Py_ssize_t,
        entry=cython.longlong,
        place=cython.longlong,
    )
    cdef grow(self)
    cdef Py_ssize_t home(self, long long entry) noexcept
    cdef enlist(self, Stream stream)
    @cython.locals(
        mask=cython.longlong,
        place=cython.longlong,
        hole=cython.longlong,
        entry=cython.longlong,
    )
    cdef remove(self, Stream stream)
    cdef bint holds(self, Stream stream) noexcept
    cdef start_clock(self, long long now_ns)
    @cython.locals(tick=cython.longlong, bucket=int, following=int)
    cdef schedule(self, int slot, long long deadline_ns)
    @cython.locals(before=int, following=int)
    cdef unschedule(self, int slot)
    @cython.locals(bucket=int, slot=int, due=list)
    cdef list take_bucket(self, long long tick)
    @cython.locals(found=Stream, size=Py_ssize_t, left=Py_ssize_t, stream=Stream)
    cdef Stream idlest(self)


@cython.locals(view='int[::1]', index=Py_ssize_t)
cpdef integers(Py_ssize_t count, int value)
cpdef empty_entries(Py_ssize_t count)
@cython.locals(lingers=bint)
cpdef bint sooner(Stream stream, Stream other) except -1
@cython.locals(wait=cython.longlong, seen_ns=cython.longlong)
cpdef Py_ssize_t deadline(Context ctx, Stream stream) except? -1
@cython.locals(half=Half, opened=bint)
cpdef bint unanswered(Stream stream) except -1
cpdef check_owned(FlowTable table, Stream stream)
