cimport cython

from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.delivery cimport cut_piece, drain, miss, miss_hole
from unpacket._core.reassembly.half cimport Half, HalfExtra
from unpacket._core.reassembly.release cimport release
from unpacket._core.reassembly.stream cimport Stream

cdef int GRACE
cdef long long NEVER

@cython.locals(extra=HalfExtra)
cpdef Py_ssize_t hole_end(Half half) except -2
@cython.locals(extra=HalfExtra, stop=cython.longlong)
cpdef watch(Context ctx, Stream stream, Half half)
@cython.locals(stop=cython.longlong)
cpdef fill(Context ctx, Stream stream, Half half, long long acked)
@cython.locals(stop=cython.longlong)
cpdef give_up(Context ctx, Stream stream, Half half, long long acked)
@cython.locals(extra=HalfExtra)
cpdef grace_over(Context ctx, Stream stream, Half half)
@cython.locals(extra=HalfExtra, end=cython.longlong)
cpdef skip(Context ctx, Stream stream, Half half, long long stop)
