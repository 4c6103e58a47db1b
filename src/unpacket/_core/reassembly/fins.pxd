cimport cython

from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.delivery cimport (
    drain, finish_if_due, note_fin, refuse, refute_fin
)
from unpacket._core.reassembly.half cimport Half, HalfExtra
from unpacket._core.reassembly.intake cimport repeated
from unpacket._core.reassembly.judgement cimport beyond_window
from unpacket._core.reassembly.segment cimport Segment
from unpacket._core.reassembly.stream cimport Stream
from unpacket._core.reassembly.suspects cimport settle_suspects, suspect, went_on

cdef int BY_PLACE
cdef unsigned int DOUBT_FIN, FIN, FINISHED
cdef long long LOW32, NEVER

@cython.locals(extra=HalfExtra, offset=cython.longlong, alone=Segment)
cpdef bint take_fin(
    Context ctx, Stream stream, Half half, Segment seg, long long stop
) except -1
@cython.locals(alone=Segment)
cpdef Segment fin_of(Segment seg, long long stop)
@cython.locals(half=Half, other=Half)
cpdef bint over(Stream stream) except -1
@cython.locals(extra=HalfExtra)
cpdef fin_due(Context ctx, Stream stream, Half half, Half peer)
