cimport cython

from unpacket._core.memory.batch cimport Batch
from unpacket._core.reassembly.events cimport Data
from unpacket._core.memory.byte_chains cimport Growing
from unpacket._core.decode.segments cimport Segments
from unpacket._core.reassembly.stream cimport Stream

cdef Py_ssize_t DELIVERY_WORDS, DELIVERED_ROW, DELIVERED_SLOT, DELIVERED_SIDE
cdef Py_ssize_t FIRST_PLACES, NONE


@cython.final
cdef class Sides:
    cdef Py_ssize_t client
    cdef Py_ssize_t server


@cython.final
cdef class Gatherer:
    cdef long long[::1] places
    cdef dict elsewhere
    cdef list owners
    cdef Growing growing
    cdef Py_ssize_t sifted
    @cython.locals(sides=Sides)
    cpdef add(self, Data data)
    @cython.locals(
        at=Py_ssize_t,
        row=Py_ssize_t,
        place=Py_ssize_t,
        number=Py_ssize_t,
        stream=Stream,
    )
    cdef take(self, list streams, Segments segments, Batch batch)
    @cython.locals(kept=Py_ssize_t, at=Py_ssize_t, event=object)
    cdef sift(self, list events)
    @cython.locals(stream=Stream, place=Py_ssize_t, number=Py_ssize_t)
    cdef put(self, Data data)
    @cython.locals(place=Py_ssize_t, client=Py_ssize_t, server=Py_ssize_t)
    cdef leave(self, Stream stream)
    cpdef Py_ssize_t length(self, Stream stream, object direction) except -1
    @cython.locals(number=Py_ssize_t)
    cpdef Py_ssize_t draw(
        self, Stream stream, object direction, bytearray target
    ) except -1
    @cython.locals(client=Py_ssize_t, server=Py_ssize_t)
    cpdef end(self, Stream stream)
    @cython.locals(total=Py_ssize_t, side=int, number=Py_ssize_t)
    cpdef Py_ssize_t cost(self, Stream stream) except -1
    @cython.locals(sides=Sides, place=Py_ssize_t, number=Py_ssize_t)
    cdef Py_ssize_t number(self, Stream stream, int side) except -2
    @cython.locals(number=Py_ssize_t)
    cdef Py_ssize_t begin(self, Stream stream) except -1
    cdef widen(self, Py_ssize_t place)
