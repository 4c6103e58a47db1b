cimport cython

from unpacket._core.native cimport loads as native
from unpacket._core.memory.batch cimport Batch, i64, u8, u16, u32, u64
from unpacket.sources.formats.interfaces cimport Interfaces

cdef u32 COMMENT, FLAGS, DROP_COUNT
cdef Py_ssize_t PCAP_HEADER, SNOOP_HEADER, ENHANCED_HEADER, SIMPLE_HEADER, TRAILER

@cython.locals(
    data="const u8[::1]", stop=Py_ssize_t, count=Py_ssize_t, unit_ns=i64,
    captured=Py_ssize_t, original=Py_ssize_t, seconds=i64, fraction=i64,
)
cpdef Py_ssize_t scan_pcap(
    Batch batch, Py_ssize_t position, bint big_endian, bint nanoseconds,
    u16 link_type, Py_ssize_t longest, int lengths_swapped, Py_ssize_t header,
) except? -1 nogil
@cython.locals(
    data="const u8[::1]", stop=Py_ssize_t, count=Py_ssize_t, captured=Py_ssize_t,
    original=Py_ssize_t, total=Py_ssize_t, seconds=i64, fraction=i64,
)
cpdef Py_ssize_t scan_snoop(
    Batch batch, Py_ssize_t position, u16 link_type, Py_ssize_t longest,
    Py_ssize_t longest_record,
) except? -1 nogil

@cython.locals(
    data="const u8[::1]", stop=Py_ssize_t, count=Py_ssize_t, last_ns=i64, kind=u32,
    total=Py_ssize_t, header=Py_ssize_t, room=Py_ssize_t, interface=Py_ssize_t,
    captured=Py_ssize_t, original=Py_ssize_t, ticks=u64, lost=i64, several=bint,
    flags=u32, options=Py_ssize_t,
)
cpdef Py_ssize_t scan_pcapng(
    Batch batch, Interfaces interfaces, Py_ssize_t position, bint big_endian
) except? -1 nogil
@cython.locals(code=u32)
cdef bint has_note(
    const u8[::1] data, Py_ssize_t at, Py_ssize_t stop, bint big_endian
) except -1 nogil
@cython.locals(code=u32, length=Py_ssize_t)
cdef u32 flags_in(
    const u8[::1] data, Py_ssize_t at, Py_ssize_t stop, bint big_endian
) except? 1 nogil
