cimport cython

from unpacket._core.reassembly.events cimport Data
from unpacket._core.reassembly.held cimport Piece, piece_of


@cython.final
cdef class Plain:
    cdef public long long offset
    cdef object _pieces
    cdef object _marks
    cdef long long _known_ack
    cdef long long _known_plain
    @cython.locals(start=cython.longlong, stop=cython.longlong, payload=bytes)
    cpdef arrive(self, Data event)
    @cython.locals(piece=Piece)
    cpdef forget(self, long long start)
    cpdef clear(self)
    cpdef mark(self, long long stop)
    @cython.locals(
        first=Piece, event=Data, end=cython.longlong, ack=cython.longlong, parts=list,
    )
    cpdef Data event(self, half, bytes content, long long offset)
    @cython.locals(
        found=list, shift=cython.longlong, start=cython.longlong, stop=cython.longlong,
        piece=Piece, first=cython.longlong, behind=cython.longlong, ack=cython.longlong,
    )
    cpdef list parts(self, half, long long offset, long long end)
    @cython.locals(
        start=cython.longlong, ahead=cython.longlong,
        offset=cython.longlong, plain=cython.longlong,
    )
    cpdef long long ack(self, half, long long ack) except *
    @cython.locals(stop=cython.longlong, plain=cython.longlong)
    cpdef long long at(self, half, long long offset) except *
