cimport cython

from unpacket._core.reassembly.half cimport Half, HalfExtra, held_bytes
from unpacket._core.reassembly.held cimport Held
from unpacket._core.reassembly.stream cimport Stream, side


cpdef tuple taken(Stream stream)
@cython.locals(stream=Stream)
cpdef Stream restored(tuple ends, tuple facts, tuple half_a, tuple half_b)
@cython.locals(extra=HalfExtra, waiting=cython.longlong)
cdef tuple half_values(Stream stream, Half half)
@cython.locals(half=Half)
cdef Half half_of(tuple values)
cdef tuple extra_values(HalfExtra extra, long long waiting)
@cython.locals(extra=HalfExtra)
cdef HalfExtra extra_of(tuple values)
cdef dict copied(dict counts)
