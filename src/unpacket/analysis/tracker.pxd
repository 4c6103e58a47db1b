cimport cython

from unpacket._core.decode.segments cimport Segments
from unpacket._core.memory.batch cimport Batch, i64
from unpacket.analysis.columns cimport Columns
from unpacket.analysis.flow_table cimport Conversations
from unpacket.analysis.sequences cimport Sequences
from unpacket.analysis.totals cimport Totals
from unpacket.analysis.unacked cimport twice

cdef i64 EARLIEST_NS, LATEST_NS
cdef i64 ACK, FIN, LOW32, RST, SYN, DUPLICATE_ACK, KEEP_ALIVE, NONE_YET
cdef i64 OUT_OF_ORDER, PARTIAL_ACK, REUSED_PORTS, SAW_ACK, SAW_DATA, SAW_FIN
cdef i64 SAW_RST, SAW_SYN, SAW_SYN_ACK, SENT_AGAIN, SPURIOUS_RETRANSMISSION
cdef i64 ZERO_WINDOW
cdef Py_ssize_t BASE_SEQ, BASE_SET, BYTES_KNOWN, C_ACK, C_ACK_RTT_NS, C_ACKS_FRAME
cdef Py_ssize_t C_BYTES_IN_FLIGHT, C_COMPLETENESS, C_CONVERSATION, C_DIRECTION
cdef Py_ssize_t C_DUPLICATE_ACK_FRAME, C_DUPLICATE_ACK_NUM, C_FLAGS, C_FRAME
cdef Py_ssize_t C_INITIAL_RTT_NS, C_LENGTH, C_PUSH_BYTES_SENT, C_RTO_FRAME, C_RTO_NS
cdef Py_ssize_t C_SACK_LEFT, C_SACK_RIGHT, C_SEQ, C_TCP_FLAGS, C_TIME_NS, C_WINDOW
cdef Py_ssize_t COLUMN_WORDS, COMPLETENESS, CONVERSATION_WORDS, DUPLICATES
cdef Py_ssize_t FIRST_ACK_FRAME, FIRST_FRAME, FIRST_NS, HALF_WORDS, HISTORY
cdef Py_ssize_t INITIAL_RTT_NS, L_ACK, L_AGAIN, L_DATA, L_FIN, L_RST, L_SYN
cdef Py_ssize_t L_SYN_ACK, L_ZERO, LAST_ACK, LAST_FLAGS, LAST_FRAME, MAX_ACKABLE
cdef Py_ssize_t MOST_LETTERS, PACKETS, PREVIOUS_NS, SACK, SACKS, SHIFT
cdef Py_ssize_t SYN_DIRECTION, SYN_NS, WINDOW, FIRST_ROOM

@cython.final
cdef class Tracker:
    cdef bint _newer
    cdef Py_ssize_t _most
    cdef readonly Conversations conversations
    cdef readonly Sequences sequences
    cdef readonly Totals totals
    cdef readonly i64[::1] facts
    cdef readonly i64 left_out
    @cython.locals(i=Py_ssize_t)
    cpdef take(
        self, Segments segments, Batch batch, Py_ssize_t start, Py_ssize_t stop,
        Columns columns,
    )
    @cython.locals(
        flags=i64, seq=i64, ack=i64, length=i64, time_ns=i64, direction=Py_ssize_t,
        frame=i64, found=i64, slot=Py_ssize_t, number=Py_ssize_t,
        replaced=Py_ssize_t, conversation=Py_ssize_t, half=Py_ssize_t, peer=Py_ssize_t,
        fwd=Py_ssize_t,
        rev=Py_ssize_t, sequences=Sequences, halves="long long[::1]",
        facts="long long[::1]",
        window=i64, is_late=bint, unacked_before=i64, in_flight=i64, push_bytes=i64,
        shift=i64, rtt_ns=i64, is_partial=bint, peer_shift=i64, at=Py_ssize_t,
        words="long long[::1]", is_duplicate=bint, has_sack=bint, base=i64,
    )
    cdef take_row(self, Segments segments, Batch batch, Py_ssize_t i, Columns columns)
    @cython.locals(fwd=Py_ssize_t, saw=i64)
    cdef bint is_reused(
        self, Py_ssize_t number, Py_ssize_t direction, i64 flags, i64 seq
    ) except *
    @cython.locals(at=Py_ssize_t, half=Py_ssize_t)
    cdef begin(self, Py_ssize_t number, i64 frame, i64 time_ns)
    @cython.locals(facts="long long[::1]", is_first=bint, saw=i64)
    cdef note(
        self, Py_ssize_t conversation, Py_ssize_t direction, i64 flags, i64 length,
        i64 time_ns,
    )
    @cython.locals(letter=Py_ssize_t)
    cdef write_history(
        self, Py_ssize_t conversation, Py_ssize_t direction, i64 flags, i64 length,
        i64 found,
    )
    @cython.locals(at=Py_ssize_t, number=i64, seen=i64, count=i64)
    cdef add_letter(
        self, Py_ssize_t conversation, Py_ssize_t direction, Py_ssize_t letter
    )
