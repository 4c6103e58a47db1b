cimport cython

from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.events cimport opened
from unpacket._core.reassembly.half cimport Half, HalfExtra
from unpacket._core.reassembly.segment cimport Segment
from unpacket._core.reassembly.stream cimport Stream
from unpacket._core.sequence cimport delta

cdef unsigned int SYN, TIMESTAMPS, SACK_PERMITTED, IS_CLIENT, BY_PORT, BY_FIRST
cdef unsigned int WELL_KNOWN

cpdef bint is_client(Half half) noexcept
cpdef set_client(Stream stream, Half half, Half peer, unsigned int evidence)
@cython.locals(
    low=cython.uint, high=cython.uint, a_is_client=bint, client=bint, half=Half
)
cpdef announce(Context ctx, Stream stream)
cpdef handshake_options(Half half, Half peer, Segment seg)
@cython.locals(
    extra=HalfExtra,
    before=cython.longlong,
    moved=cython.longlong,
    best=cython.longlong,
    ahead=cython.longlong,
    index=Py_ssize_t,
)
cpdef choose_isn(Half half, long long seq)
