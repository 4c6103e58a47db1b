cimport cython

from unpacket._core.decode.segments cimport Segments
from unpacket._core.memory.batch cimport Batch, i64
from unpacket.analysis.unacked cimport Unacked, twice

cdef i64 ACK, FIN, HALF32, LOW32, RST, SYN, CONTROL, NO_WINDOW, FAST_NS
cdef i64 REORDERED_NS, MOST_IN_FLIGHT, NO_WSCALE, ACK_LOST_SEGMENT, DUPLICATE_ACK
cdef i64 FAST_RETRANSMISSION, KEEP_ALIVE, KEEP_ALIVE_ACK, LOST_SEGMENT, NONE_YET
cdef i64 NOT_KNOWN, NOT_USED, OUT_OF_ORDER, PSH, RETRANSMISSION
cdef i64 SPURIOUS_RETRANSMISSION, WINDOW_FULL, WINDOW_UPDATE, ZERO_WINDOW
cdef i64 ZERO_WINDOW_PROBE, ZERO_WINDOW_PROBE_ACK
cdef Py_ssize_t BASE_SEQ, BYTES_KNOWN, DUPLICATES, HALF_WORDS, HAS_ACKED, LAST_ACK
cdef Py_ssize_t LAST_FLAGS, LAST_NS, MAX_ACKABLE, MOST_SACKS, NEXT_FRAME, NEXT_NS
cdef Py_ssize_t NEXT_SEQ, NEXT_WAS_EMPTY, PUSH_BYTES, SACK, SACKS, SHIFT, WAS_PUSHED
cdef Py_ssize_t WINDOW, FIRST_ROOM, BATCH_DATA, END_OF_LIST, MOST_SHIFT

@cython.final
cdef class Sequences:
    cdef bint _newer
    cdef readonly i64[::1] halves
    cdef readonly Unacked unacked
    cdef readonly i64 rto_ns
    cdef public i64 rto_frame
    @cython.locals(at=Py_ssize_t)
    cdef begin(self, Py_ssize_t half)
    @cython.locals(
        halves="long long[::1]", next_seq=i64, found=i64, plain=bint, ahead=i64,
        shift=i64,
        room=i64, last=i64, same_ack=bint, probed=bint, takes_probe=bint,
    )
    cdef i64 flags_of(
        self, Py_ssize_t fwd, Py_ssize_t rev, i64 flags, i64 seq, i64 ack, i64 length,
        i64 window,
    ) except *
    @cython.locals(
        halves="long long[::1]", most=i64, ahead=i64, end=i64, below=i64, first=bint
    )
    cdef i64 beyond(
        self, Py_ssize_t fwd, Py_ssize_t rev, Py_ssize_t peer, i64 ack
    ) except *
    @cython.locals(
        halves="long long[::1]", next_seq=i64, behind=i64, is_old=bint, last_ack=i64,
        left=i64, end=i64, soon=i64, node=i64,
    )
    cdef i64 sent_again(
        self, Py_ssize_t fwd, Py_ssize_t rev, Py_ssize_t half, i64 initial_rtt_ns,
        i64 flags, i64 seq, i64 length, i64 time_ns,
    ) except *
    @cython.locals(
        halves="long long[::1]", count=i64, n=Py_ssize_t, left=i64, right=i64
    )
    cdef bint is_hole(self, Py_ssize_t rev, i64 seq, i64 length) except *
    @cython.locals(halves="long long[::1]", end=i64, behind=i64, ahead=i64)
    cdef remember(
        self, Py_ssize_t fwd, Py_ssize_t half, i64 found, i64 flags, i64 seq, i64 ack,
        i64 length, i64 window, i64 time_ns, i64 frame,
    )
    @cython.locals(halves="long long[::1]", count=i64, n=Py_ssize_t)
    cdef i64 bytes_in_flight(
        self, Py_ssize_t half, Py_ssize_t rev, i64 flags
    ) except *
    @cython.locals(halves="long long[::1]")
    cdef i64 pushed(self, Py_ssize_t fwd, i64 flags, i64 length) except *
    @cython.locals(
        halves="long long[::1]", count=i64, at=Py_ssize_t, n=Py_ssize_t, octet=i64,
        edge=i64, _=Py_ssize_t,
    )
    cdef read_options(
        self, Segments segments, Batch batch, Py_ssize_t i, Py_ssize_t fwd,
        Py_ssize_t rev, i64 flags,
    )
