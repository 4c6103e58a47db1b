cimport cython

from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.delivery cimport drain, finish_if_due, miss_hole
from unpacket._core.reassembly.gaps cimport hole_end
from unpacket._core.reassembly.half cimport Half, HalfExtra
from unpacket._core.reassembly.held cimport Held
from unpacket._core.reassembly.release cimport release
from unpacket._core.reassembly.stream cimport Stream


@cython.locals(extra=HalfExtra, held=Held, size=cython.longlong, count=cython.longlong)
cpdef bint exceeds(Context ctx, Half half, Half other) except -1
@cython.locals(extra=HalfExtra, stop=cython.longlong)
cpdef bint overfull(Context ctx, Stream stream, Half half, Half peer) except -1
