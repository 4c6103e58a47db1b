cimport cython

from unpacket._core.held cimport (Held)

cdef unsigned int SYN_SEEN, FINISHED, SACK_PERMITTED, SIMPLE, IS_CLIENT, HAS_GAP
cdef unsigned int HAS_CONFLICT, FIN_SEEN, RST_SEEN, UNSEEN, OPEN, NO_SCALE
cdef long long NEVER


@cython.final
cdef class Segment:
    cdef public long long seq, ack, frame, time_ns, length, captured
    cdef public unsigned int flags, window, mss, ttl, wscale, checksum, tsval
    cdef public bint has_timestamp, sack_permitted
    cdef public bytes payload
    cdef public list sacks


@cython.final
cdef class HalfExtra:
    cdef public Held held
    cdef public object unreleased
    cdef public long long unreleased_bytes
    cdef public list suspects
    cdef public list waiting
    cdef public list isns
    cdef public long long fin_offset
    cdef public long long grace_ns
    cdef public long long grace_acked
    cdef public object tracker
    cdef public long long duplicate_bytes, conflict_bytes
    cdef public long long rejected_bytes, discarded_bytes
    cdef public long long gap_bytes, gaps, conflicts, keep_alives, late_packets
    cdef public long long out_of_order
    cdef public dict rejected
    cpdef bint eventful(self) except -1


@cython.final
cdef class Half:
    cdef public long long next_offset
    cdef public long long acked
    cdef public long long sent_edge
    cdef public long long window_edge
    cdef public long long payload_bytes
    cdef public long long packets
    cdef public long long last_record
    cdef public unsigned int base_seq
    cdef public unsigned int ts_recent
    cdef public unsigned int flags
    cdef public unsigned short mss
    cdef public unsigned char ttl
    cdef public unsigned char scale
    cdef public unsigned char shift
    cdef public unsigned char state
    cdef public HalfExtra extra
    cdef HalfExtra more(self)
    @cython.locals(extra=HalfExtra, waiting=cython.longlong, item=Segment)
    cdef Py_ssize_t held_bytes(self) except -1


@cython.final
cdef class Stream:
    # What every packet needs comes first, to share cache lines.
    cdef public Half half_a
    cdef public Half half_b
    cdef unsigned long long a_lo, b_lo
    cdef unsigned int ports
    cdef readonly unsigned int context
    cdef readonly unsigned char family
    cdef public unsigned char reason
    cdef public unsigned char evidence
    cdef public unsigned char opened
    cdef public int slot
    cdef public long long seen_ns
    cdef public long long last_ns
    cdef unsigned long long a_hi, b_hi
    cdef long long hash
    cdef readonly long long id
    cdef public long long first_ns
    cdef public long long first_frame
    cdef public Segment candidate
    cdef public bint candidate_a
    cdef readonly unsigned short link_type
    cdef public tuple layers
    cdef bint first_a
    cpdef Half half(self, direction)
    cdef bint client_is_a(self) except -1


cpdef object direction_of(Half half)
