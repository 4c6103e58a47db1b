cimport cython

from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.events cimport Data, Finished, Urgent, finished
from unpacket._core.reassembly.half cimport Half, HalfExtra, direction_of
from unpacket._core.reassembly.held cimport Held, Piece as HeldPiece, piece_of
from unpacket._core.reassembly.stream cimport Stream

cdef unsigned int FIN, FIN_SEEN, FINISHED, IGNORED, HAS_GAP
cdef long long BUFFER_BYTES, NEVER, PIECE_BYTES

@cython.locals(extra=HalfExtra)
cpdef emit(Context ctx, Half half, event)
@cython.locals(extra=HalfExtra)
cpdef discard(Half half, long long count)
@cython.locals(offset=cython.longlong, event=Data, extra=HalfExtra, waits=bint)
cpdef deliver(
    Context ctx,
    Stream stream,
    Half half,
    long long length,
    bytes payload,
    list parts,
    long long frame,
    long long time_ns,
    long long ack,
)
@cython.locals(extra=HalfExtra)
cdef put_out(Context ctx, Half half, event, long long length, bint waits)
@cython.locals(head=Data, rest=Data, octet=Urgent, frame=cython.longlong)
cdef put_out_around(
    Context ctx, Half half, Data event, long long offset, bint waits
)
@cython.locals(extra=HalfExtra, offset=cython.longlong)
cpdef miss(Context ctx, Stream stream, Half half, long long stop, reason)
@cython.locals(start=cython.longlong)
cpdef miss_by_evidence(Context ctx, Stream stream, Half half, long long stop)
@cython.locals(extra=HalfExtra, data=Data, head=Data, size=cython.longlong)
cpdef release(Context ctx, Half half, bint everything)
cpdef give_out(Context ctx, Half half, Data data)
@cython.locals(start=cython.longlong, stop=cython.longlong)
cpdef HeldPiece part(Data event)
@cython.locals(piece=HeldPiece)
cpdef tuple split(Data event, long long offset)
cpdef remember(Context ctx, Half half, long long offset, bytes payload, long long frame)
@cython.locals(
    extra=HalfExtra, held=Held, first=HeldPiece, piece=HeldPiece, parts=list,
    payloads=list, start=cython.longlong, stop=cython.longlong, payload=bytes,
    joined=bytes, wanted=bint, before=Py_ssize_t,
)
cpdef drain(Context ctx, Stream stream, Half half)
@cython.locals(extra=HalfExtra, held=Held, piece=HeldPiece, payload=bytes)
cpdef end_at_fin(Context ctx, Stream stream, Half half)
@cython.locals(extra=HalfExtra)
cpdef finish_if_due(Context ctx, Stream stream, Half half)
