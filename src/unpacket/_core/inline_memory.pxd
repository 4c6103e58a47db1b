# What inline_memory.py says, for the compiled core. A prefetch of any address is
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
