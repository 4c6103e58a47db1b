cimport cython

@cython.final
cdef class Segment:
    cdef public long long seq, ack, frame, time_ns, length, captured
    cdef public unsigned int flags, window, mss, ttl, wscale, checksum, tsval, urgent
    cdef public unsigned int doubts
    cdef public bint has_timestamp, sack_permitted, copy, counted
    cdef public bytes payload
    cdef public list sacks
