cimport cython

from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.events cimport opened
from unpacket._core.reassembly.half cimport Half, HalfExtra
from unpacket._core.reassembly.judgement cimport seen_edge
from unpacket._core.reassembly.pending cimport Suspect
from unpacket._core.reassembly.segment cimport Segment
from unpacket._core.reassembly.stream cimport Stream
from unpacket._core.sequence cimport delta

cdef unsigned int BY_FIRST, BY_PORT, CONFIRMED, EDGE_KNOWN, IS_CLIENT, ODD_MD5, OPEN
cdef unsigned int SACK_PERMITTED, TIMESTAMPS, WELL_KNOWN
cdef long long LOW32, MAX_WINDOW
cdef Py_ssize_t MAX_ISNS

cpdef bint is_client(Half half) except -1
cpdef set_client(Stream stream, Half half, Half peer, long long evidence)
@cython.locals(
    low=cython.uint,
    high=cython.uint,
    a_is_client=bint,
    half=Half,
    client=bint,
)
cpdef announce(Context ctx, Stream stream)
cpdef handshake_options(Half half, Half peer, Segment seg)
@cython.locals(extra=HalfExtra, index=Py_ssize_t)
cpdef note_isn(Half half, Segment seg)
@cython.locals(extra=HalfExtra, seg=Segment)
cpdef choose_acknowledged(Half half, long long ack)
@cython.locals(
    extra=HalfExtra,
    best=cython.longlong,
    found=Segment,
    seg=Segment,
    ahead=cython.longlong,
)
cpdef choose_isn(Half half, long long seq)
cpdef move_isn(Half half, Segment seg)
@cython.locals(moved=cython.longlong, item=Suspect)
cpdef move_base(Half half, long long base_seq)
@cython.locals(ahead=cython.longlong)
cpdef open_half(Context ctx, Half half, long long base_seq)
