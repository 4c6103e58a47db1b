cdef long long LOW32
cdef long long HALF32

cpdef long long delta(long long a, long long b) noexcept
cpdef long long unwrap(
    long long seq, long long base_seq, long long near_offset
) noexcept
cpdef long long wrap(long long offset, long long base_seq) noexcept
