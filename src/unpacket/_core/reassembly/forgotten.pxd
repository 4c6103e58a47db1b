cimport cython

from unpacket._core.decode.segments cimport Segments
from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.half cimport Half
from unpacket._core.reassembly.handshake cimport announce
from unpacket._core.reassembly.stream cimport Stream
from unpacket._core.sequence cimport delta

cdef unsigned int ACK, FIN, FINISHED, IS_CLIENT, OPEN, RST
cdef int AGAIN, BY_EARLIER, CLOSED_BY_MEMORY, CLOSED_BY_TIMEOUT, CONTINUES, UNRELATED
cdef int HASH_SHIFT, MARK_BITS, NONE
cdef unsigned int KNOWN_A, KNOWN_B, CLIENT_A, OVER
cdef long long LOW32, FAR
cdef Py_ssize_t ENTRY_BYTES, FIRST_ENTRIES, HALF_BYTES, MOST_ENTRIES, SHARE, WORDS


@cython.final
cdef class Forgotten:
    cdef readonly Py_ssize_t count
    cdef readonly Py_ssize_t size
    cdef readonly Py_ssize_t most
    cdef Py_ssize_t hand
    cdef unsigned long long[::1] words
    cdef int[::1] heads
    cdef int[::1] following
    cdef clear(self)
    cdef Py_ssize_t held_bytes(self) noexcept
    @cython.locals(at=Py_ssize_t, word=cython.ulonglong)
    cdef put(
        self, long long hashed, unsigned int marks, long long seq_a, long long seq_b
    )
    @cython.locals(old="unsigned long long[::1]", at=Py_ssize_t)
    cdef grow(self)
    @cython.locals(hashed=cython.longlong)
    cdef Py_ssize_t place(self, Py_ssize_t at) except -1
    @cython.locals(place=Py_ssize_t)
    cdef link(self, Py_ssize_t at)
    @cython.locals(place=Py_ssize_t, other=Py_ssize_t)
    cdef unlink(self, Py_ssize_t at)
    @cython.locals(at=Py_ssize_t, word=cython.ulonglong)
    cdef Py_ssize_t find(self, long long hashed) except? -1
    cdef unsigned int marks(self, Py_ssize_t at) except? 0
    @cython.locals(word=cython.ulonglong)
    cdef Py_ssize_t seq(self, Py_ssize_t at, bint first) except? -1


@cython.locals(marks=cython.uint, seq_a=cython.longlong, seq_b=cython.longlong)
cpdef remember(Forgotten forgotten, Stream stream)
@cython.locals(stop=cython.longlong)
cpdef Py_ssize_t next_seq(Half half) except? -1
@cython.locals(
    marks=cython.uint,
    ours=cython.uint,
    others=cython.uint,
    first=bint,
    fresh=bint,
    size=cython.longlong,
    ahead=cython.longlong,
)
cpdef int relation(
    Forgotten forgotten, Py_ssize_t at, Segments segments, Py_ssize_t i
) except -1
@cython.locals(marks=cython.uint, size=Py_ssize_t)
cpdef Py_ssize_t revive(
    Context ctx, Stream stream, Forgotten forgotten, Py_ssize_t at
) except -1
@cython.locals(half=Half)
cpdef Half half_at(long long seq, bint client)
cpdef unsigned_words(Py_ssize_t count)
