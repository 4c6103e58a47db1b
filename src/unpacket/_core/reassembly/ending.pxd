cimport cython

from unpacket._core.reassembly.accounting cimport drop_extra, segment_bytes
from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.delivery cimport (
    drain, finish_if_due, miss, miss_by_evidence
)
from unpacket._core.reassembly.gaps cimport hole_end
from unpacket._core.reassembly.half cimport Half, HalfExtra
from unpacket._core.reassembly.judgement cimport beyond_window
from unpacket._core.reassembly.release cimport release
from unpacket._core.reassembly.stream cimport Stream

cdef unsigned int FINISHED, OPEN, SIMPLE

@cython.locals(extra=HalfExtra, stop=cython.longlong, fin=cython.longlong)
cpdef flush(Context ctx, Stream stream, Half half, Half peer)
cpdef bint all_finished(Half first, Half second) except -1
@cython.locals(extra=HalfExtra)
cpdef let_go(Context ctx, Half half)
@cython.locals(half=Half)
cpdef refuse_candidate(Context ctx, Stream stream)
