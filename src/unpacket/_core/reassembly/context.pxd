cimport cython

from unpacket._core.reassembly.events cimport (Gap)
from unpacket._core.reassembly.payload_gatherer cimport Gatherer
from unpacket._core.reassembly.history cimport (History)
from unpacket._core.reassembly.half cimport Half, HalfExtra, direction_of
from unpacket._core.reassembly.segment cimport Segment
from unpacket._core.reassembly.stream cimport Stream, ended

cdef long long NEVER, NS, UNBOUNDED, LEAST_TIMERS
cdef Py_ssize_t MAX_LATE_STREAMS


@cython.final
cdef class Context:
    cdef bint acked_only, close_at_limit, passed_only, paws, check_window
    cdef bint together, midstream, check_ack, check_md5, check_ip_options
    cdef bint check_fragments, check_ip_length, window_exact, deliver_doubted
    cdef bint urgent_apart, enlists
    cdef long long close_grace_ns
    cdef readonly bint want_data, notes
    cdef int wins, checksum_rule, rst_rule, ttl_distance
    cdef long long grace_ns, max_held_bytes, max_held_segments, max_held_span, max_holes
    cdef long long memory_limit, midstream_ns, midstream_segments
    cdef long long idle_ns, half_open_ns, linger_ns, quiet_ns
    cdef public bint settling, ending
    cdef bint each_delivery
    cdef readonly History history
    cdef public list events, believed, successor, reopened
    cdef public Gatherer gatherer
    cdef readonly dict trackers
    cdef public list moved
    cdef list timers
    cdef readonly dict late
    cdef readonly long long late_bytes
    cdef public long long late_segments
    cdef long long timer_count
    cdef Py_ssize_t timer_bound
    cdef long long next_timer_ns
    cdef public long long memory_bytes
    cdef long long stream_bytes
    cdef public long long duplicates
    cdef public long long now_ns
    cdef public long long skew_ns
    cdef public long long time_ns
    cdef public long long frame
    cdef set_timer(self, long long deadline_ns, int kind, Stream stream, Half half)
    cdef tuple pop_timer(self)
    cdef reject(self, Stream stream, Half half, reason, Segment seg, offset)
    @cython.locals(extra=HalfExtra)
    cdef reject_bytes(
        self,
        Stream stream,
        Half half,
        reason,
        offset,
        bytes payload,
        long long frame,
        long long time_ns,
    )
    @cython.locals(before=cython.longlong, first=cython.longlong)
    cdef come_late(self, Stream stream, long long count, long long frame)
    cdef note(self, Stream stream, Half half, kind, long long offset, Segment seg)
    cdef Gap gap(
        self, Stream stream, Half half, long long offset, long long length, reason
    )
