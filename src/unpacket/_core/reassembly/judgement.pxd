cimport cython

from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.half cimport Half
from unpacket._core.reassembly.segment cimport Segment
from unpacket._core.reassembly.stream cimport Stream
from unpacket._core.sequence cimport delta, unwrap

cdef unsigned int FIN, SYN, RST, ACK, SYN_SEEN, FINISHED, ACK_SEEN, TIMESTAMPS
cdef unsigned int ZERO_WINDOW, OPEN, UNKNOWN_SCALE, NO_SCALE
cdef long long LOW32, MAX_WINDOW, MAX_LEAD, LEAST_WINDOW, FIRST_FLIGHT

@cython.locals(hops=cython.longlong)
cpdef bint far_ttl(Context ctx, Half half, Segment seg) noexcept
@cython.locals(known=bint, same=bint, late=cython.longlong)
cpdef bint begins_another(Half half, long long seq, unsigned int flags) except -1
@cython.locals(
    candidate=Segment, from_candidate=bint, first=cython.longlong, ahead=cython.longlong
)
cpdef bint confirms(Stream stream, Half half, Half peer, Segment seg) except -1
@cython.locals(ahead=cython.longlong)
cpdef bint far(Half half, long long seq) noexcept
@cython.locals(window=cython.longlong)
cpdef long long allowed(Half half, Half peer, Segment seg) noexcept
cpdef bint timely(Context ctx, Half half, Half peer, Segment seg) noexcept
cpdef bint is_keep_alive(Half half, long long offset) noexcept
cpdef bint beyond_window(Context ctx, Half half, long long stop) noexcept
@cython.locals(stop=cython.longlong)
cpdef object doubt(Context ctx, Half half, Half peer, Segment seg, long long offset)
@cython.locals(
    ahead=cython.longlong, offset=cython.longlong, low=cython.longlong,
    high=cython.longlong,
)
cpdef bint credible_reset(Context ctx, Half half, Half peer, Segment seg) except -1
cpdef unsigned int shift_of(Half half, Half peer) noexcept
