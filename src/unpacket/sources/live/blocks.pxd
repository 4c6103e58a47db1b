cimport cython

from unpacket._core.native cimport loads as native
from unpacket._core.memory.batch cimport Batch, i64, u8, u16, u32, u64

cdef bint BIG_ENDIAN
cdef Py_ssize_t ADDRESS, HEADER, SLL2_HEADER, VLAN_TAG, MAC_ADDRESSES, MOST_DEVICES
cdef u32 NOT_READY, HAS_VLAN, HAS_VLAN_TYPE, VALID, OFFLOADED
cdef u32 OUTGOING, LOOPBACK, DOT1Q
cdef u16 LINKTYPE_ETHERNET, LINKTYPE_SLL2
cdef u32 INBOUND, OUTBOUND, UNICAST, MULTICAST, BROADCAST, PROMISCUOUS
cdef u32 CHECKSUM_NOT_READY, CHECKSUM_VALID, SEGMENTATION_OFFLOADED

@cython.final
cdef class BlockReader:
    cdef readonly u32[::1] devices
    cdef readonly Py_ssize_t device_count, latest_device
    cdef readonly Py_ssize_t left, position
    cdef readonly i64 last_ns, skipped
    cdef u16 link_type
    cdef bint incoming, outgoing
    cpdef begin(self, Py_ssize_t position, Py_ssize_t frames)
    @cython.locals(
        data="const u8[::1]", stop=Py_ssize_t, count=Py_ssize_t, at=Py_ssize_t,
        following=Py_ssize_t, captured=Py_ssize_t, original=Py_ssize_t, status=u32,
        start=Py_ssize_t, device=u32, hardware=u32, kind=u32, tag=u32,
        added=Py_ssize_t, number=Py_ssize_t, seconds=i64, fraction=i64, i=Py_ssize_t,
    )
    cpdef Py_ssize_t fill(self, Batch batch, u8[::1] memory) except -1
    @cython.locals(i=Py_ssize_t)
    cdef Py_ssize_t number(self, u32 device) except -1
    @cython.locals(
        address=Py_ssize_t, target=Py_ssize_t, protocol_high=u8, protocol_low=u8,
        kind=u8, size=u8, i=Py_ssize_t,
    )
    cdef int cook(
        self, u8[::1] memory, Py_ssize_t at, Py_ssize_t start, u32 tag, u32 device,
        u32 hardware,
    ) except -1

@cython.locals(version=u32)
cdef bint hides_tag(u8[::1] memory, Py_ssize_t at, u32 protocol) except -1
cdef int put32(u8[::1] memory, Py_ssize_t at, u32 value) except -1
@cython.locals(flags=u32)
cdef u32 flags_of(u32 kind, u32 status) except? 0
