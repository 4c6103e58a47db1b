cimport cython

from unpacket._core.reassembly.linux_queue cimport LinuxQueue, tail_room

cdef Py_ssize_t MAX_BLOCK


cpdef int relation(
    long long start, long long stop, long long old_start, long long old_stop
) noexcept


@cython.final
cdef class Piece:
    cdef public long long start
    cdef public long long stop
    cdef public long long origin
    cdef public long long end
    cdef public long long base
    cdef public bytes payload
    cdef public bint fin
    cdef public long long ack
    cdef public long long frame
    cdef public long long time_ns
    cdef public unsigned int doubts
    @cython.locals(piece=Piece, base=cython.longlong, payload=bytes)
    cdef Piece cut(self, long long start, long long stop)
    cdef long long size(self)
    cdef bytes bytes_of(self, long long start, long long stop)


@cython.locals(piece=Piece)
cpdef Piece piece_of(
    long long start,
    long long stop,
    long long origin,
    long long end,
    long long base,
    bytes payload,
    long long frame,
    long long time_ns,
    long long ack=*,
)


@cython.locals(piece=Piece)
cpdef Piece fin_of(
    long long offset, long long origin, long long frame, long long time_ns
)


@cython.final
cdef class Clash:
    cdef readonly long long offset
    cdef readonly bytes kept
    cdef readonly bytes other
    cdef readonly Piece winner
    cdef readonly Piece loser


@cython.locals(kept=bytes, other=bytes, low=Py_ssize_t, high=Py_ssize_t)
cpdef Clash clash(Piece winner, Piece loser, long long start, long long stop)
@cython.locals(n=Py_ssize_t)
cpdef Py_ssize_t first_difference(bytes a, bytes b) except -1
@cython.locals(n=Py_ssize_t)
cpdef Py_ssize_t last_difference(bytes a, bytes b) except -1


@cython.final
cdef class Held:
    cdef list blocks
    cdef readonly LinuxQueue queue
    cdef readonly Py_ssize_t count
    cdef readonly long long payload_bytes
    cdef readonly Py_ssize_t runs
    cdef readonly long long start
    cdef readonly long long stop

    @cython.locals(
        low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t, block=list, piece=Piece
    )
    cdef Py_ssize_t block_of(self, long long offset) except -1
    @cython.locals(low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t, piece=Piece)
    cdef Py_ssize_t place_in(self, list block, long long offset) except -1
    @cython.locals(
        number=Py_ssize_t, index=Py_ssize_t, block=list, following=list, other=Piece,
        joins=Py_ssize_t, half=Py_ssize_t, start=cython.longlong,
        stop=cython.longlong,
    )
    cpdef bint put(self, Piece piece) except -1
    @cython.locals(block=list)
    cpdef Piece first(self)
    @cython.locals(block=list, piece=Piece, other=Piece)
    cpdef Piece pop_first(self)
    @cython.locals(
        taken=list, number=Py_ssize_t, index=Py_ssize_t, block=list, piece=Piece
    )
    cpdef list take(self, long long start, long long stop)
    @cython.locals(
        block=list, before=list, following=list, other=Piece, joins=Py_ssize_t
    )
    cdef remove(self, Py_ssize_t number, Py_ssize_t index, Piece piece)
    @cython.locals(number=Py_ssize_t, index=Py_ssize_t, block=list, piece=Piece)
    cpdef bint overlaps(self, long long start, long long stop) except -1
    @cython.locals(
        found=bint, old=Piece, start=cython.longlong, stop=cython.longlong
    )
    cpdef bint differs(self, Piece new) except -1
    cdef Py_ssize_t buffers(self) except -1
    cdef long long shift(self) except *
    @cython.locals(origin=cython.longlong)
    cpdef long long place(
        self, long long start, long long stop, long long size, long long packet_bytes
    ) except *
    @cython.locals(
        clashes=list, position=cython.longlong, old=Piece, stop=cython.longlong,
        kind=int, new_wins=bint, winner=Piece, loser=Piece, found=Clash,
    )
    cpdef list add(self, Piece new, int wins)
