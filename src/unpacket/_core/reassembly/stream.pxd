cimport cython

from unpacket._core.reassembly.half cimport (
    Half, HalfExtra, delivered_of, duplicates_of, held_bytes, other_channel_of,
    packets_of, retransmissions_of
)
from unpacket._core.reassembly.ledger cimport Ledger
from unpacket._core.reassembly.pending cimport Reset
from unpacket._core.reassembly.segment cimport Segment

cdef unsigned int SYN_SEEN, FINISHED, SACK_PERMITTED, SIMPLE, IS_CLIENT, HAS_GAP
cdef unsigned int HAS_CONFLICT, FIN_SEEN, RST_SEEN, UNSEEN, OPEN, NO_SCALE
cdef unsigned int ZERO_WINDOW
cdef long long LOW32
cdef Py_ssize_t ROW_WORDS, ROW_A, ROW_B, ROW_NEXT, ROW_ACKED, ROW_WINDOW, ROW_BYTES
cdef Py_ssize_t ROW_PACKETS, ROW_RECORD, ROW_SEQ, ROW_FLAGS, ROW_SEEN, ROW_LAST
cdef Py_ssize_t KEY_A_LO, KEY_B_LO, KEY_A_HI, KEY_B_HI, KEY_PORTS, KEY_OWNER
cdef unsigned long long ONE_COPY
cdef int COPY_SHIFT, OWNER_SHIFT, TTL_SHIFT, SCALING_SHIFT, MSS_SHIFT, SCALE_SHIFT

@cython.final
cdef class Stream:
    # What is readonly is public; nobody outside of the core changes anything.
    cdef Half half_a
    cdef Half half_b
    cdef Ledger ledger
    cdef Segment candidate
    cdef Reset reset
    cdef tuple layers
    cdef object live
    cdef unsigned long long a_lo, b_lo, a_hi, b_hi
    cdef long long hash
    cdef readonly long long id
    cdef long long seen_ns
    cdef long long latest_ns
    cdef readonly long long first_ns
    cdef readonly long long first_frame
    cdef unsigned int ports
    cdef readonly unsigned int context
    cdef int slot
    cdef int row
    cdef readonly unsigned short link_type
    cdef unsigned char family
    cdef unsigned char reason
    cdef unsigned char evidence
    cdef unsigned char opened
    cdef unsigned char candidate_a
    cdef unsigned char first_a
    @cython.locals(half=Half)
    cdef Half half(self, direction)
    cdef bint client_is_a(self) except -1
    cdef object end(self, bint first)
    @cython.locals(half=Half)
    cdef bint flag(self, direction, unsigned int bits) except -1
    @cython.locals(half=Half)
    cdef bint lacks_acknowledged(self, direction) except -1
    @cython.locals(reset=Reset, seg=Segment, total=cython.longlong)
    cdef Py_ssize_t queued_bytes(self, Half half) except -1

@cython.locals(fresh=Stream)
cpdef Stream next_stream(Stream stream)
@cython.locals(hi=cython.ulonglong, lo=cython.ulonglong)
cpdef str address_text(Stream stream, bint first)
cpdef bint ended(Stream stream) except -1
cpdef live_of(Stream stream)
cpdef set_live(Stream stream, live)
cpdef bint was_seen(Stream stream, direction) except -1
cpdef bint syn_seen(Stream stream, direction) except -1
@cython.locals(half=Half, ledger=Ledger)
cpdef Half side(Stream stream, bint first)
@cython.locals(word=cython.ulonglong, count=cython.ulonglong)
cpdef read_half(Half half, Ledger ledger, Py_ssize_t at)
@cython.locals(word=cython.ulonglong, count=cython.ulonglong)
cpdef write_half(Half half, Ledger ledger, Py_ssize_t at)
cpdef bint ordinary(Half half) except -1
@cython.locals(row=Py_ssize_t, at=Py_ssize_t, word=cython.ulonglong, half=Half)
cpdef bint enlist(Stream stream, Ledger ledger) except -1
@cython.locals(ledger=Ledger)
cpdef recall(Stream stream)
@cython.locals(ledger=Ledger)
cpdef Py_ssize_t seen(Stream stream) except? -1
