cimport cython

from unpacket._core.reassembly.half cimport (
    Half, counts_of, delivered_of, duplicates_of, other_channel_of, packets_of,
    retransmissions_of
)
from unpacket._core.reassembly.half_row cimport read_half
from unpacket._core.reassembly.ledger cimport Ledger
from unpacket._core.reassembly.pending cimport Reset
from unpacket._core.reassembly.segment cimport Segment

cdef unsigned int FINISHED, FIN_SEEN, HAS_CONFLICT, HAS_GAP, IS_CLIENT, NO_SCALE, OPEN
cdef unsigned int RST_SEEN, SACK_PERMITTED, SYN_SEEN, UNSEEN
cdef Py_ssize_t ROW_A, ROW_B, ROW_LAST, ROW_WORDS


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


@cython.locals(hi=cython.ulonglong, lo=cython.ulonglong)
cpdef str address_text(Stream stream, bint first)
cpdef bint ended(Stream stream) except -1
cpdef live_of(Stream stream)
cpdef set_live(Stream stream, live)
cpdef bint was_seen(Stream stream, direction) except -1
cpdef bint syn_seen(Stream stream, direction) except -1
@cython.locals(half=Half, ledger=Ledger)
cpdef Half side(Stream stream, bint first)
