cimport cython

from unpacket._core.memory.batch cimport Batch, i64, u32
from unpacket._core.decode.channels cimport Channels
from unpacket._core.decode.fragments cimport Defragmenter
from unpacket._core.decode.duplicates cimport Duplicates
from unpacket._core.decode.ip cimport ip_layer, transport
from unpacket._core.decode.link cimport link_layer
from unpacket._core.decode.lookalikes cimport Lookalikes
from unpacket._core.decode.packet cimport Packet
from unpacket._core.decode.ethernet_ipv4 cimport plain
from unpacket._core.decode.segments cimport Segments
from unpacket._core.decode.tcp cimport TcpLayer
from unpacket._core.decode.tunnels.dispatch cimport unwrap

cdef int ETHERNET, NONE, ENCAPSULATED, FILTERED, FRAGMENT, IP_HEADER, UDP
cdef u32 CHECKSUM_NOT_READY

@cython.final
cdef class Decoder:
    cdef Packet _packet
    cdef TcpLayer _tcp
    cdef Defragmenter _defragmenter
    cdef Duplicates _duplicates
    cdef Channels _channels
    cdef Lookalikes _lookalikes
    cdef i64[::1] _counters
    cdef i64 _clock_ns
    cdef dict _contexts
    cdef int _reason
    @cython.locals(i=Py_ssize_t)
    cpdef Py_ssize_t decode(
        self, Batch batch, Segments segments, Py_ssize_t start
    ) except -1
    @cython.locals(reason=int)
    cdef Py_ssize_t _run(
        self, Batch batch, Segments segments, Py_ssize_t i
    ) except -1 nogil
    @cython.locals(reason=int, source=int, number=i64)
    cdef _unusual(self, Batch batch, Segments segments, Py_ssize_t i)
    @cython.locals(keys=object, index=int)
    cdef u32 _context(self) except? 0
    cpdef look_alike(self)
    cpdef advance(self, i64 now_ns)
    cpdef finish(self)


# Below the class, since it needs it.
from unpacket._core.native cimport released as native
