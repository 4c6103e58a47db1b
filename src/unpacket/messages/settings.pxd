cimport cython

from unpacket.messages.body cimport Budget


@cython.final
cdef class Settings:
    cdef public Budget budget
    cdef public bint pair
    cdef public long long max_pending_bytes
    cdef public long long max_queued_bytes
    cdef public long long max_waiting_bytes
    cdef public long long max_unanswered
    cdef public list out
    cdef public long long waiting_bytes
    cdef public long long messages
    cdef public long long exchanges
    cdef public long long skipped_bytes
    cdef public long long tunnel_bytes
    cdef public long long over_bounds
