cimport cython

from unpacket._core.memory.batch cimport i64

cdef i64 DATAGRAM_BYTES, PART_BYTES
cdef int LAST, BSD, LINUX, WINDOWS, SOLARIS

@cython.final
cdef class Part:
    cdef i64 start, stop, sent_start, sent_stop
    cdef bytes data

@cython.final
cdef class Datagram:
    cdef tuple key
    cdef list starts, parts, numbers
    cdef bytes whole
    cdef i64 since_ns, size, reach, covered, held_bytes, frames
    cdef int protocol, ttl
    cdef bint disputed, dropped, ip_header_damaged
    @cython.locals(at=Py_ssize_t, part=Part)
    cdef Py_ssize_t first_after(self, i64 start) except -1
    @cython.locals(at=Py_ssize_t, part=Part)
    cdef bint overlaps(self, i64 start, i64 stop) except -1
    @cython.locals(at=Py_ssize_t, part=Part)
    cdef bint repeats(self, i64 start, i64 stop, bytes data) except -1
    @cython.locals(common=Py_ssize_t, whole=bytes)
    cdef bint contained(self, i64 start, i64 stop, bint more, bytes data) except -1
    @cython.locals(
        first=Py_ssize_t, at=Py_ssize_t, here=i64, fresh=i64, low=i64, high=i64,
        parts=list, rest=list, starts=list, mine=bytes, other=bytes, old=Part,
        part=Part, common=Py_ssize_t, conflict=bint,
    )
    cdef bint insert(self, i64 start, i64 stop, bytes data, int overlap) except -1
    cdef bint fits(self, i64 start, i64 stop, bint more) except -1
    @cython.locals(count=Py_ssize_t, at=Py_ssize_t, run=i64, last=Part, part=Part)
    cdef int add_to_runs(self, i64 start, i64 stop, bytes data) except -1
    @cython.locals(part=Part, chunks=list)
    cdef complete(self, i64 now_ns)
    cdef discard(self)

cdef bint new_wins(
    int overlap, i64 start, i64 stop, i64 old_start, i64 old_stop
) noexcept
cdef Part piece(Part part, i64 start, i64 stop)
