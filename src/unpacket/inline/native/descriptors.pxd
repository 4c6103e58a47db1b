# What descriptors.py says, for compiled code. A signal that comes in between is no
# error: the call is made again.

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport (
    PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE,
)
from cpython.exc cimport PyErr_CheckSignals, PyErr_SetFromErrno

cdef extern from *:
    """
    #include <errno.h>
    #ifdef _WIN32
    static Py_ssize_t unpacket_readv(int d, char* a, size_t n, char* b, size_t m)
    { errno = ENOSYS; return -1; }
    static Py_ssize_t unpacket_writev(int d, char* a, size_t n, char* b, size_t m)
    { errno = ENOSYS; return -1; }
    #else
    #include <sys/uio.h>
    static Py_ssize_t unpacket_readv(int d, char* a, size_t n, char* b, size_t m)
    {
        struct iovec parts[2] = {{a, n}, {b, m}};
        return readv(d, parts, 2);
    }
    static Py_ssize_t unpacket_writev(int d, char* a, size_t n, char* b, size_t m)
    {
        struct iovec parts[2] = {{a, n}, {b, m}};
        return writev(d, parts, 2);
    }
    #endif
    static int unpacket_is_interrupted(void) { return errno == EINTR; }
    static int unpacket_would_block(void)
    { return errno == EAGAIN || errno == EWOULDBLOCK; }
    """
    Py_ssize_t unpacket_readv(
        int descriptor, char* first, size_t first_size, char* rest, size_t rest_size
    ) noexcept nogil
    Py_ssize_t unpacket_writev(
        int descriptor, char* first, size_t first_size, char* rest, size_t rest_size
    ) noexcept nogil
    bint unpacket_is_interrupted() noexcept nogil
    bint unpacket_would_block() noexcept nogil


cdef inline bytes read_packet(int descriptor, bytearray head, bytearray room):
    cdef char* first = PyByteArray_AS_STRING(head)
    cdef size_t first_size = PyByteArray_GET_SIZE(head)
    cdef char* rest = PyByteArray_AS_STRING(room)
    cdef size_t rest_size = PyByteArray_GET_SIZE(room)
    cdef Py_ssize_t count
    while True:
        with nogil:
            count = unpacket_readv(descriptor, first, first_size, rest, rest_size)
        if count >= 0:
            break
        if unpacket_would_block():
            return None
        if not unpacket_is_interrupted():
            PyErr_SetFromErrno(OSError)
        PyErr_CheckSignals()
    count -= first_size
    return PyBytes_FromStringAndSize(rest, count if count > 0 else 0)


cdef inline bint write_packet(int descriptor, bytes head, bytes data) except *:
    cdef char* first = PyBytes_AS_STRING(head)
    cdef size_t first_size = PyBytes_GET_SIZE(head)
    cdef char* rest = PyBytes_AS_STRING(data)
    cdef size_t rest_size = PyBytes_GET_SIZE(data)
    cdef Py_ssize_t count
    while True:
        with nogil:
            count = unpacket_writev(descriptor, first, first_size, rest, rest_size)
        if count >= 0:
            return True
        if not unpacket_is_interrupted():
            return False
        PyErr_CheckSignals()
