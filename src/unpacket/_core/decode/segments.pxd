cimport cython

from unpacket._core.memory.batch cimport Batch, i64, u8, u16, u32, u64
from unpacket._core.decode.packet cimport Packet

cdef Py_ssize_t MAX_LAYERS, DELIVERY_WORDS
cdef int NO_WSCALE

@cython.final
cdef class Segments:
    cdef readonly Py_ssize_t capacity
    cdef public Py_ssize_t count
    cdef readonly list side, side_frames
    cdef readonly i64[::1] time_ns, delivered
    cdef Py_ssize_t delivered_words
    cdef readonly u64[::1] a_hi, a_lo, b_hi, b_lo, hash, identity, layers, channel
    cdef readonly u32[::1] index, context, ports, seq, ack, ip_id
    cdef readonly u32[::1] start, captured, length, tsval, tsecr, sack_start, copy
    cdef readonly int[::1] source
    cdef readonly u16[::1] flags, window, mss, sum, urgent
    cdef readonly u8[::1] family, direction, ttl, checksum
    cdef readonly u8[::1] wscale, sack_permitted, has_timestamp, sack_count, layer_count
    cdef bint layered, with_options
    @cython.locals(i=Py_ssize_t)
    cpdef clear(self)
    @cython.locals(n=Py_ssize_t)
    cdef int add_layers(self, Packet packet, Py_ssize_t i) except -1
    cpdef tuple path_layers(self, Py_ssize_t i)
