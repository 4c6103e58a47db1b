cimport cython

from unpacket._core.native cimport fill as native
from unpacket._core.native cimport room as native_room
from unpacket._core.reassembly.held cimport Clash, Piece, clash, piece_of

cdef long long RECORDS
cdef long long MASK
cdef int MAX_STEPS, SPAN_BITS, POSITION_BITS, WORDS, OFFSET, TOTAL, PLACE, FRAME
cdef long long POSITION_MASK, FRAME_MASK, FRAME_UNIT
cdef long long SPAN_MASK, ROOT, NO_LINK
cdef Py_ssize_t CHUNK_BYTES
cdef long long KEEP_RATIO
cdef long long KEEP_LEAST_BYTES


@cython.final
cdef class Store:
    cdef long long number
    cdef object buffer
    cdef long long last_total


@cython.final
cdef class History:
    cdef readonly long long window_bytes
    cdef readonly long long count
    cdef readonly long long total
    cdef long long first
    cdef long long fresh_bytes
    cdef long long present, present_place
    cdef long long stamp
    cdef readonly long long kept_bytes
    cdef Store batch
    cdef list stores
    cdef Store chunk
    cdef Py_ssize_t chunk_used
    cdef long long[::1] ring, link

    cdef begin(self, buffer)
    @cython.locals(
        batch=Store, young=cython.longlong, kept=cython.longlong,
        number=cython.longlong, start=Py_ssize_t, size=Py_ssize_t, at=Py_ssize_t,
        view="const unsigned char[::1]",
    )
    cdef end(self)
    cdef Py_ssize_t word(self, long long number, int which) except? -1
    @cython.locals(following=cython.longlong)
    cdef Py_ssize_t length(self, long long number) except? -1
    cdef Py_ssize_t store(self, long long number) except? -1
    cdef Py_ssize_t position(self, long long number) except? -1
    @cython.locals(older=cython.longlong)
    cdef Py_ssize_t before(self, long long number) except? -1
    @cython.locals(size=Py_ssize_t, at=Py_ssize_t)
    cdef copy(self, long long number, payload)
    @cython.locals(horizon=cython.longlong, store=Store, keep=list)
    cdef prune(self)
    @cython.locals(
        number=cython.longlong, older=cython.longlong, slot=Py_ssize_t, at=Py_ssize_t
    )
    cdef Py_ssize_t add(
        self,
        long long previous,
        long long offset,
        long long length,
        long long position,
        long long frame,
    ) except -1 nogil
    @cython.locals(
        oldest=cython.longlong, bare=list, number=cython.longlong,
        before=cython.longlong, link=cython.longlong, near=cython.longlong,
        far=cython.longlong,
    )
    cdef link_up(self, long long last)
    @cython.locals(
        oldest=cython.longlong, number=cython.longlong, farther=cython.longlong
    )
    cdef long long newest_before(self, long long last, long long stop)
    @cython.locals(number=cython.longlong)
    cdef Py_ssize_t add_copy(
        self, long long previous, long long offset, bytes payload, long long frame
    ) except -1
    @cython.locals(
        clashes=list, number=cython.longlong, _step=int, offset=cython.longlong,
        start=cython.longlong, stop=cython.longlong, frame=cython.longlong, kept=Piece,
        found=Clash,
    )
    cpdef list compare(self, long long last, Piece piece)
    @cython.locals(wanted=cython.longlong, found=Store, store=Store, begin=Py_ssize_t)
    cdef bytes payload(self, long long number, long long start, long long stop)


@cython.locals(chunk=Store, at=Py_ssize_t)
cdef Py_ssize_t allot(
    History history, long long number, Py_ssize_t size
) except -1
