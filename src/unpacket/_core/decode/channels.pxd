cimport cython

from unpacket._core.native cimport loads
from unpacket._core.memory.batch cimport Batch, u64
from unpacket._core.decode.segments cimport Segments

cdef u64 LOW32, UNTAGGED, TAG, TAGS_MASK, ADDRESSES, VLAN
cdef u64 FACTOR_0, FACTOR_1, FACTOR_2
cdef int BY_INTERFACE, BY_VLAN, TAG_BITS, ID_BITS
cdef unsigned int ETHERNET, COOKED, COOKED_2
cdef unsigned int ETHERNET_BYTES, COOKED_BYTES, COOKED_2_BYTES
cdef Py_ssize_t MAX_LAYERS


@cython.final
cdef class Channels:
    cdef int _rule
    @cython.locals(i=Py_ssize_t)
    cdef int tell(self, Batch batch, Segments segments) except -1 nogil
    @cython.locals(i=Py_ssize_t, mixed=u64)
    cdef int salt(self, Segments segments) except -1 nogil
    @cython.locals(
        captured="unsigned int", start=Py_ssize_t, link_type="unsigned int",
        channel=u64, tag=u64, word=u64, n=Py_ssize_t,
    )
    cdef u64 of(
        self, Batch batch, Py_ssize_t index, u64[::1] layers, Py_ssize_t first,
        Py_ssize_t count,
    ) except? 0 nogil
