cimport cython

from unpacket._core.reassembly.accounting cimport event_bytes, may_wait
from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.events cimport Data, Urgent, finished
from unpacket._core.reassembly.half cimport Half, HalfExtra, direction_of
from unpacket._core.reassembly.held cimport Held, Piece as HeldPiece, piece_of
from unpacket._core.reassembly.pending cimport Suspect
from unpacket._core.reassembly.segment cimport Segment
from unpacket._core.reassembly.stream cimport Stream

cdef unsigned int DOUBT_URGENT, FINISHED, FIN_SEEN, HAS_GAP, IGNORED
cdef int END
cdef long long BUFFER_BYTES, NEVER, PIECE_BYTES
cdef Py_ssize_t MAX_RANGES

@cython.locals(extra=HalfExtra)
cpdef emit(Context ctx, Half half, event)
@cython.locals(extra=HalfExtra)
cpdef keep(Context ctx, Half half, event)
@cython.locals(extra=HalfExtra)
cpdef discard(Half half, long long count, reason)
@cython.locals(
    offset=cython.longlong, extra=HalfExtra, waits=bint, event=Data, urgent=bint
)
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
    long long doubts,
)
@cython.locals(extra=HalfExtra)
cpdef put_out(Context ctx, Half half, event, long long length, bint waits)
@cython.locals(rest=Data, frame=cython.longlong, octet=Urgent, head=Data)
cpdef put_out_around(Context ctx, Half half, Data event, long long offset, bint waits)
@cython.locals(
    extra=HalfExtra,
    offset=cython.longlong,
    start=cython.longlong,
    end=cython.longlong,
)
cpdef miss(Context ctx, Stream stream, Half half, long long stop, reason)
cpdef declare(
    Context ctx, Stream stream, Half half, long long start, long long stop, reason
)
cpdef add_range(list ranges, long long start, long long stop, reason)
@cython.locals(extra=HalfExtra)
cpdef refuse(
    Context ctx, Stream stream, Half half, reason, Segment seg, long long offset
)
@cython.locals(extra=HalfExtra)
cpdef bint cut_piece(Half half) except -1
cpdef miss_hole(Context ctx, Stream stream, Half half, long long stop, reason)
@cython.locals(start=cython.longlong)
cpdef miss_by_evidence(Context ctx, Stream stream, Half half, long long stop)
@cython.locals(start=cython.longlong, stop=cython.longlong, piece=HeldPiece)
cpdef HeldPiece part(Data event)
@cython.locals(at=cython.longlong, piece=HeldPiece)
cpdef split(Data event, long long offset)
cpdef remember(Context ctx, Half half, long long offset, bytes payload, long long frame)
@cython.locals(
    extra=HalfExtra,
    held=Held,
    first=HeldPiece,
    wanted=bint,
    parts=list,
    payloads=list,
    start=cython.longlong,
    stop=cython.longlong,
    doubts=cython.uint,
    joined=bytes,
    before=bint,
    piece=HeldPiece,
    payload=bytes,
)
cpdef drain(Context ctx, Stream stream, Half half)
@cython.locals(extra=HalfExtra)
cpdef end_at_fin(
    Context ctx, Stream stream, Half half, long long frame, long long time_ns
)
@cython.locals(extra=HalfExtra)
cpdef mark(Half half, long long doubts, long long count)
@cython.locals(extra=HalfExtra, taken=bint)
cpdef finish_if_due(Context ctx, Stream stream, Half half)
@cython.locals(extra=HalfExtra, item=Suspect)
cpdef bint disputed(Half half) except -1
@cython.locals(extra=HalfExtra)
cpdef note_fin(Half half, Segment seg, long long stop)
@cython.locals(extra=HalfExtra)
cpdef refute_fin(Context ctx, Stream stream, Half half)
@cython.locals(extra=HalfExtra, held=Held, piece=HeldPiece)
cpdef purge(Context ctx, Stream stream, Half half)
