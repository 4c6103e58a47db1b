cimport cython

from unpacket._core.native cimport room as native

ctypedef unsigned char u8
ctypedef unsigned short u16
ctypedef unsigned int u32
ctypedef unsigned long long u64
ctypedef long long i64

@cython.final
cdef class Batch:
    cdef readonly object buffer
    cdef const u8[::1] data
    cdef const u16[::1] words
    cdef readonly i64[::1] start, time_ns
    cdef readonly u32[::1] captured, original, interface, flags
    cdef readonly u16[::1] link_type
    cdef readonly u8[::1] passed
    cdef readonly bint filtered, has_interfaces, has_flags
    cdef readonly Py_ssize_t capacity, count, used_bytes
    cdef public i64 first_number
    @cython.locals(pairs=Py_ssize_t)
    cpdef attach(self, buffer, Py_ssize_t used_bytes, i64 first_number)
    cpdef add(
        self, i64 start, i64 captured, i64 original, time_ns, i64 link_type,
        i64 interface=*,
    )
    @cython.locals(i=Py_ssize_t)
    cpdef int begin_interfaces(self) except -1 nogil
    @cython.locals(i=Py_ssize_t)
    cpdef int begin_flags(self) except -1 nogil
    @cython.locals(i=Py_ssize_t)
    cpdef begin_filter(self)
    @cython.locals(start=Py_ssize_t)
    cpdef tuple frame(self, Py_ssize_t index)

@cython.final
cdef class BufferPool:
    cdef Py_ssize_t _size
    cdef list _buffers
    cdef Py_ssize_t _alone
    @cython.locals(index=Py_ssize_t)
    cpdef bytearray take(self, Py_ssize_t minimum=*)

@cython.final
cdef class BatchPool:
    cdef Py_ssize_t _capacity
    cdef list _batches
    cdef Py_ssize_t _alone
    @cython.locals(index=Py_ssize_t, free=Py_ssize_t)
    cpdef Batch take(self)
