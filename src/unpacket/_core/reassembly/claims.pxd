cimport cython

from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.half cimport Half, HalfExtra
from unpacket._core.reassembly.pending cimport Suspect
from unpacket._core.reassembly.segment cimport Segment
from unpacket._core.reassembly.stream cimport Stream
from unpacket._core.reassembly.suspects cimport acknowledged, settle_suspects
from unpacket._core.sequence cimport delta, unwrap

cdef unsigned int DOUBT_ACK, OPEN
cdef int PROOF
cdef long long LOW32

@cython.locals(extra=HalfExtra)
cpdef bint proves(Half half, Half peer, Segment seg, long long acked) except -1
@cython.locals(extra=HalfExtra, stop=cython.longlong)
cpdef claim(Half half, Half peer, Segment seg, long long acked, long long edge)
@cython.locals(extra=HalfExtra, item=Suspect)
cpdef drop_claim(Half half, Half peer, Segment seg)
@cython.locals(item=Suspect)
cpdef forgive(Half half, long long ack)
@cython.locals(extra=HalfExtra, acked=cython.longlong)
cpdef bint prove_claim(
    Context ctx, Stream stream, Half half, Half peer, bint missed
) except -1
