# What sums.py says, for the compiled core.
#
# Words are added in pairs: 2**16 is 1 modulo 0xFFFF, and there are fewer additions to
# make. The same loop is compiled twice: wheels are for processors without AVX2 too, and
# with it half of the instructions are enough.

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE

from unpacket._core.memory.batch cimport u16, u64

cdef extern from *:
    """
    #include <string.h>

    #ifdef __GNUC__
    #define UNPACKET_UNROLLED _Pragma("GCC unroll 4")
    #else
    #define UNPACKET_UNROLLED
    #endif

    #define UNPACKET_SUM \
        unsigned long long total = 0; \
        UNPACKET_UNROLLED \
        for (Py_ssize_t pair = 0; pair < count / 2; pair++) { \
            unsigned int two; \
            memcpy(&two, words + 2 * pair, sizeof(two)); \
            total += two; \
        } \
        if (count & 1) { \
            unsigned short one; \
            memcpy(&one, words + count - 1, sizeof(one)); \
            total += one; \
        } \
        return (total & 0xFFFFFFFF) + (total >> 32);

    static unsigned long long unpacket_sum_any(
        const unsigned short* words, Py_ssize_t count) { UNPACKET_SUM }

    #if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
    __attribute__((target("avx2")))
    static unsigned long long unpacket_sum_avx2(
        const unsigned short* words, Py_ssize_t count) { UNPACKET_SUM }

    static inline unsigned long long unpacket_sum(
        const unsigned short* words, Py_ssize_t count)
    {
        if (__builtin_cpu_supports("avx2")) return unpacket_sum_avx2(words, count);
        return unpacket_sum_any(words, count);
    }
    #else
    #define unpacket_sum unpacket_sum_any
    #endif
    """
    u64 unpacket_sum(const u16* words, Py_ssize_t count) noexcept nogil


cdef inline u64 words_sum(
    const u16[::1] words, Py_ssize_t first, Py_ssize_t last
) noexcept nogil:
    if first < 0 or first >= last or last > words.shape[0]:
        return 0
    return unpacket_sum(&words[first], last - first)


# The machine adds words in its own order; the bytes of a sum are swapped where those of
# its words are. An odd byte at the end is the first one of its word.
cdef extern from *:
    """
    static inline Py_ssize_t unpacket_octets_sum(
        const unsigned char* octets, Py_ssize_t length)
    {
        const unsigned short probe = 1;
        unsigned char last[2] = {0, 0};
        unsigned short word;
        unsigned long long total = unpacket_sum(
            (const unsigned short*) octets, length / 2);
        if (length & 1) {
            last[0] = octets[length - 1];
            memcpy(&word, last, sizeof(word));
            total += word;
        }
        while (total >> 16) total = (total & 0xFFFF) + (total >> 16);
        if (*(const unsigned char*) &probe)
            total = (total & 0xFF) << 8 | total >> 8;
        return (Py_ssize_t) (total % 0xFFFF);
    }
    """
    Py_ssize_t unpacket_octets_sum(
        const unsigned char* octets, Py_ssize_t length
    ) noexcept nogil


cdef inline Py_ssize_t octets_sum(
    bytes data, Py_ssize_t start, Py_ssize_t stop
) except -1:
    if start < 0 or start > stop or stop > PyBytes_GET_SIZE(data):
        raise IndexError("no such bytes")
    return unpacket_octets_sum(
        <const unsigned char*> PyBytes_AS_STRING(data) + start, stop - start
    )
