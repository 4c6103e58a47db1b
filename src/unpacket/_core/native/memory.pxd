# What memory.py says, for the compiled core. A prefetch of any address is
# harmless: it never faults.

cdef extern from *:
    """
    #if defined(__GNUC__) || defined(__clang__)
    #define unpacket_prefetch(address) __builtin_prefetch(address)
    #else
    #define unpacket_prefetch(address) ((void)(address))
    #endif
    """
    void unpacket_prefetch(const void* address) noexcept nogil


cdef inline void prefetch(long long[::1] numbers, Py_ssize_t place) noexcept nogil:
    if 0 <= place < numbers.shape[0]:
        unpacket_prefetch(&numbers[place])


cdef inline void prefetch_block(
    unsigned char[::1] data, Py_ssize_t at, Py_ssize_t length
) noexcept nogil:
    if 0 <= at <= data.shape[0] - length:
        while length > 0:
            unpacket_prefetch(&data[at])
            at += 64
            length -= 64
