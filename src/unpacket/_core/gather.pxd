cimport cython

from unpacket._core cimport inline_fill as native
from unpacket._core.batch cimport Batch
from unpacket._core.events cimport Data
from unpacket._core.segments cimport Segments
from unpacket._core.state cimport Stream

cdef Py_ssize_t DELIVERY_WORDS, DELIVERED_ROW, DELIVERED_SLOT, DELIVERED_SIDE
cdef long long BLOCK_COST, SIDE_COST, LONGEST_BLOCK


@cython.final
cdef class Side:
    cdef readonly Stream stream
    cdef list full
    cdef bytearray tail
    cdef Py_ssize_t used
    cdef Py_ssize_t size
    cdef readonly long long length
    cdef readonly long long cost
    cdef Py_ssize_t room(self, Py_ssize_t length) except -1
    @cython.locals(blocks=list)
    cdef list blocks(self)


@cython.final
cdef class Gatherer:
    cdef list places
    cdef dict elsewhere
    cdef Py_ssize_t sifted
    cdef readonly long long waiting_bytes
    @cython.locals(sides=list, place=Py_ssize_t)
    cpdef add(self, Data data)
    @cython.locals(
        at=Py_ssize_t,
        row=Py_ssize_t,
        place=Py_ssize_t,
        side=Side,
        stream=Stream,
        start=Py_ssize_t,
        length=Py_ssize_t,
        before=cython.longlong,
        count=Py_ssize_t,
        tail=bytearray,
    )
    cdef take(self, list streams, Segments segments, Batch batch)
    @cython.locals(kept=Py_ssize_t, at=Py_ssize_t, event=object)
    cdef sift(self, list events)
    @cython.locals(stream=Stream, place=Py_ssize_t, side=Side)
    cdef put(self, Data data)
    @cython.locals(place=Py_ssize_t, sides=list)
    cdef leave(self, Stream stream)
    @cython.locals(
        sides=list,
        place=Py_ssize_t,
        number=Py_ssize_t,
        side=Side,
        popped=list,
        there=bint,
    )
    cpdef list pop(self, Stream stream)
    @cython.locals(sides=list, place=Py_ssize_t, side=Side, total=cython.longlong)
    cpdef Py_ssize_t cost(self, Stream stream) except -1
    @cython.locals(sides=list, side=Side)
    cpdef list streams(self)
    cdef Side begin(self, Stream stream)
    @cython.locals(
        start=Py_ssize_t,
        length=Py_ssize_t,
        before=cython.longlong,
        count=Py_ssize_t,
        tail=bytearray,
    )
    cdef fill(self, Side side, bytes payload)
    cdef widen(self, Py_ssize_t place)
