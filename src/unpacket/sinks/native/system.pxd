# What system.py says, for the compiled module. Where there is no openat, that
# is the error, and callers take their other way.

from cpython.bytes cimport PyBytes_AS_STRING
from libc.string cimport strerror


cdef extern from *:
    """
    #include <errno.h>
    #if defined(_WIN32)
    static int unpacket_write_file(
        int at, const char* name, const char* data, size_t length,
        long long seconds, long nanoseconds, int* made)
    {
        return ENOSYS;
    }
    #else
    #include <fcntl.h>
    #include <sys/stat.h>
    #include <unistd.h>
    static int unpacket_write_file(
        int at, const char* name, const char* data, size_t length,
        long long seconds, long nanoseconds, int* made)
    {
        struct timespec times[2];
        int error = 0;
        int file = openat(
            at, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (file < 0)
            return errno;
        *made = 1;
        while (length > 0 && !error) {
            ssize_t done = write(file, data, length);
            if (done >= 0) {
                data += done;
                length -= (size_t)done;
            } else if (errno != EINTR) {
                error = errno;
            }
        }
        times[0].tv_sec = times[1].tv_sec = (time_t)seconds;
        times[0].tv_nsec = times[1].tv_nsec = nanoseconds;
        /* Not every file system has every time. */
        (void)futimens(file, times);
        if (close(file) < 0 && !error && errno != EINTR)
            error = errno;
        return error;
    }
    #endif
    """
    int unpacket_write_file(
        int at, const char* name, const char* data, size_t length,
        long long seconds, long nanoseconds, int* made,
    ) noexcept nogil


cdef inline int write_file(
    int at, bytes path, const unsigned char[::1] data, long long time_ns
) except -1:
    cdef const char* name = PyBytes_AS_STRING(path)
    cdef const char* begin = <const char*>&data[0] if data.shape[0] else name
    cdef size_t length = <size_t>data.shape[0]
    cdef long long seconds = time_ns // 1000000000
    cdef long nanoseconds = <long>(time_ns % 1000000000)
    cdef int made = 0
    cdef int error
    with nogil:
        error = unpacket_write_file(
            at, name, begin, length, seconds, nanoseconds, &made
        )
    if error and made:
        raise OSError(error, strerror(error).decode(errors="replace"))
    return error
