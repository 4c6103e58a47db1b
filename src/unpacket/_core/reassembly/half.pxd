cimport cython

from unpacket._core.reassembly.held cimport Held
from unpacket._core.reassembly.pending cimport Suspect
from unpacket._core.reassembly.segment cimport Segment

cdef unsigned int SIMPLE, OPEN, IS_CLIENT, UNSEEN, NO_SCALE
cdef long long NEVER

@cython.final
cdef class HalfExtra:
    cdef public Held held
    cdef public object unreleased
    cdef public long long unreleased_bytes
    cdef public list suspects
    cdef public list waiting
    cdef public list isns
    cdef public bint many_isns, md5, fin_sure, fin_repeated
    cdef public long long urgent_offset
    cdef public long long fin_offset, fin_frame, fin_time_ns, fin_ns
    cdef public long long claim, claim_edge, claim_stop, claim_frame, claims
    cdef public list missing, refused
    cdef public dict unplaced, doubted
    cdef public long long grace_ns
    cdef public long long grace_acked
    cdef public bint tracked
    cdef public unsigned int counted
    cdef public long long duplicate_bytes, conflict_bytes
    cdef public long long rejected_bytes, discarded_bytes
    cdef public long long gap_bytes, gaps, conflicts, keep_alives, late_packets
    cdef public long long out_of_order, retransmissions, other_channel
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
    # In what would be left empty before the next pointer.
    cdef public unsigned int duplicates
    cdef public HalfExtra extra
    cdef HalfExtra more(self)
cpdef long long packets_of(Half half) except -1
cpdef long long duplicates_of(Half half) except -1
cpdef long long retransmissions_of(Half half) except -1
cpdef long long other_channel_of(Half half) except -1
@cython.locals(extra=HalfExtra)
cpdef long long delivered_of(Half half) except? -1
@cython.locals(extra=HalfExtra, waiting=cython.longlong, item=Segment, suspect=Suspect)
cpdef Py_ssize_t held_bytes(Half half) except -1
cpdef object direction_of(Half half)
@cython.locals(extra=HalfExtra)
cpdef settle(Half half)
@cython.locals(extra=HalfExtra)
cpdef dict counts_of(Half half, Py_ssize_t queued_bytes)
