# What inline_memory.py says, for the compiled core. A prefetch of any address is
# harmless: it never faults.

from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.object cimport PyObject

from unpacket._core.state cimport Stream

cdef extern from *:
    """
    #if defined(__GNUC__) || defined(__clang__)
    #define unpacket_prefetch(address) __builtin_prefetch(address)
    #else
    #define unpacket_prefetch(address) ((void)(address))
    #endif
    """
    void unpacket_prefetch(const void* address) noexcept nogil


cdef inline void prefetch_entry(long long[::1] entries, long long place) noexcept:
    if 0 <= place < entries.shape[0]:
        unpacket_prefetch(&entries[place])


cdef inline void prefetch_object(PyObject* item) noexcept:
    unpacket_prefetch(item)
    unpacket_prefetch(<const void*> (<size_t> item + 64))


cdef inline void prefetch_stream(list streams, Py_ssize_t slot) noexcept:
    if 0 <= slot < PyList_GET_SIZE(streams):
        prefetch_object(PyList_GET_ITEM(streams, slot))


cdef inline void prefetch_halves(list streams, Py_ssize_t slot) noexcept:
    cdef PyObject* item
    if 0 <= slot < PyList_GET_SIZE(streams):
        item = PyList_GET_ITEM(streams, slot)
        if <object> item is not None:
            prefetch_object(<PyObject*> (<Stream> item).half_a)
            prefetch_object(<PyObject*> (<Stream> item).half_b)
