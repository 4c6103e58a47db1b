cimport cython

from unpacket._core.memory.batch cimport i64, u8, u16, u32, u64

cdef i64 LONGEST_FRAME
cdef int MAX_LAYERS, MAX_KEYS

@cython.final
cdef class Packet:
    cdef readonly object buffer
    cdef readonly int source
    cdef readonly i64 at, stop, wire_stop
    cdef readonly int ethertype, family, protocol, ttl
    cdef readonly u32 context, ip_id
    cdef readonly int inside, layer_count, key_count, keyed_by
    cdef readonly u64 src_hi, src_lo, dst_hi, dst_lo
    cdef readonly i64 fragment_start
    cdef readonly bint more_fragments, length_known, ip_header_damaged
    cdef readonly unsigned int odd
    cdef readonly bint verify_checksums
    cdef public bint unsummed
    cdef readonly int depth
    cdef const u8[::1] data
    cdef const u16[::1] words
    cdef u64[::1] layers, keys
    cdef u16[::1] ports
    cdef readonly bint ports_named
    cdef u64 channel
    cpdef name_ports(self, usual)
    cpdef attach(self, buffer, int source)
    cpdef int place(self, i64 start, i64 captured, i64 original) except -1 nogil
    cdef int push(self, u64 kind, u64 identifier) except -1 nogil
    cdef int add_key(self, u64 key) except -1 nogil
