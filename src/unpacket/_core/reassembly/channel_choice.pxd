cimport cython

from unpacket._core.decode.segments cimport Segments
from unpacket._core.memory.batch cimport u64
from unpacket._core.reassembly.enlisting cimport recall
from unpacket._core.reassembly.half cimport Half, HalfExtra
from unpacket._core.reassembly.judgement cimport begins_another, confirms
from unpacket._core.reassembly.segment cimport Segment
from unpacket._core.reassembly.stream cimport Stream

cdef unsigned int OPEN, RST, SYN
cdef Py_ssize_t FIRST_SLOTS, WORDS, CANDIDATE


@cython.final
cdef class Choices:
    cdef Py_ssize_t _capacity
    cdef u64[::1] _words
    @cython.locals(at=Py_ssize_t, word=Py_ssize_t)
    cdef begin(self, Stream stream)
    @cython.locals(words=cython.ulonglong[::1], word=Py_ssize_t)
    cdef grow(self, Py_ssize_t capacity)
    cdef choose(self, Stream stream, bint first, u64 channel)
    cdef stand(self, Stream stream, u64 channel)
    cdef u64 candidate(self, Stream stream) except? 0
    @cython.locals(at=Py_ssize_t)
    cdef bint is_chosen(
        self, Stream stream, Segments segments, Py_ssize_t i
    ) except -1
    @cython.locals(
        first=bint, channel=u64, own=u64, at=Py_ssize_t, candidate=Segment
    )
    cdef bint elsewhere(
        self, Stream stream, Segments segments, Py_ssize_t i
    ) except -1


@cython.locals(first=bint, half=Half)
cpdef bint begins(
    Stream stream, Segments segments, Py_ssize_t i
) except -1
@cython.locals(half=Half, peer=Half, seg=Segment)
cdef bint answers(
    Stream stream, Segments segments, Py_ssize_t i, bint first
) except -1
@cython.locals(half=Half, extra=HalfExtra)
cdef count(Stream stream, bint first)
