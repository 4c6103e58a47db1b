cimport cython

from unpacket._core.memory.batch cimport i64, u32
from unpacket.analysis.unacked cimport twice

cdef i64 MOST_NS, MOST_SUM
cdef i64 FIN, RST, SYN, REACTION_NS, NONE_YET, OUT_OF_ORDER, SENT_AGAIN
cdef Py_ssize_t BUCKETS, BUCKETS_PER_OCTAVE, FLAG_COUNT, T_AGAIN_BYTES
cdef Py_ssize_t T_AGAIN_PACKETS, T_BLOCKED_NS, T_BYTES, T_CLOCKED_NS, T_COPIES
cdef Py_ssize_t T_DATA_PACKETS, T_FILLED_PACKETS, T_FINS, T_FIRST_DATA_FRAME
cdef Py_ssize_t T_FIRST_DATA_NS, T_FIRST_FIN_FRAME, T_FIRST_NS, T_FIRST_RST_FRAME
cdef Py_ssize_t T_FIRST_SYN_FRAME, T_FIRST_SYN_NS, T_FLAG_FRAMES, T_FLAGS
cdef Py_ssize_t T_FLIGHT_MAX, T_IDLE_NS, T_IS_BLOCKED, T_IS_RECOVERING
cdef Py_ssize_t T_LAST_DATA_FRAME, T_LAST_DATA_NS, T_LAST_NS, T_LAST_SYN_NS
cdef Py_ssize_t T_LONGEST_PAUSE_FRAME, T_LONGEST_PAUSE_NS, T_MOMENT, T_PACED_NS
cdef Py_ssize_t T_PACKETS, T_PATH_NS, T_RECOVERY_NS, T_RSTS, T_RTT_MAX_NS
cdef Py_ssize_t T_RTT_MIN_NS, T_RTT_SUM_NS, T_RTTS, T_SEGMENT_MAX, T_SYNS
cdef Py_ssize_t T_THINK_NS, T_WINDOW_MAX, T_WINDOW_MIN, T_WINDOW_SUM, T_WINDOWS
cdef Py_ssize_t T_ZERO_NS, T_ZERO_SINCE_NS, TOTAL_WORDS, FIRST_ROOM, NO_HISTOGRAM

@cython.final
cdef class Totals:
    cdef readonly i64[::1] words
    cdef i64[::1] _histogram_of
    cdef u32[::1] _histograms
    cdef Py_ssize_t _used
    @cython.locals(at=Py_ssize_t, larger="long long[::1]", index=Py_ssize_t)
    cdef begin(self, Py_ssize_t half)
    @cython.locals(words="long long[::1]", at=Py_ssize_t, peer=Py_ssize_t)
    cdef add(
        self, Py_ssize_t half, i64 frame, i64 time_ns, i64 flags, i64 length,
        i64 found, i64 rtt_ns, i64 window, i64 in_flight, bint is_copy, bint is_late,
        i64 unacked, i64 peer_window,
    )
    cdef spend(self, Py_ssize_t place, i64 time_ns)
    @cython.locals(n=Py_ssize_t)
    cdef count_flags(self, Py_ssize_t at, i64 frame, i64 found)
    @cython.locals(words="long long[::1]")
    cdef count_control(
        self, Py_ssize_t at, Py_ssize_t peer, i64 frame, i64 time_ns, i64 flags
    )
    @cython.locals(words="long long[::1]")
    cdef count_window(self, Py_ssize_t at, i64 time_ns, i64 window)
    @cython.locals(words="long long[::1]", at=Py_ssize_t, histogram=Py_ssize_t)
    cdef count_rtt(self, Py_ssize_t half, i64 rtt_ns)
    @cython.locals(larger="unsigned int[::1]", index=Py_ssize_t)
    cdef _grow_histograms(self)
    @cython.locals(
        words="long long[::1]", came_again=bint, before=i64, pause=i64, since_ns=i64,
        heard=i64, idle=i64, moment=i64,
    )
    cdef count_data(
        self, Py_ssize_t at, Py_ssize_t peer, i64 frame, i64 time_ns, i64 length,
        i64 found, bint is_late, i64 unacked,
    )
    @cython.locals(
        at=Py_ssize_t, count=i64, histogram=Py_ssize_t, wanted=i64, seen=i64,
        bucket=Py_ssize_t, most=i64, least=i64,
    )
    cpdef i64 quantile(self, Py_ssize_t half, double share) except *

@cython.locals(value=i64, octave=Py_ssize_t)
cpdef Py_ssize_t bucket_of(i64 rtt_ns) except? -9
@cython.locals(octave=Py_ssize_t, value=i64)
cpdef i64 middle_of(Py_ssize_t bucket) except? -9
