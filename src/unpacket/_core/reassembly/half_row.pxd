cimport cython

from unpacket._core.reassembly.half cimport Half
from unpacket._core.reassembly.ledger cimport Ledger

cdef unsigned int OPEN
cdef long long LOW32
cdef Py_ssize_t ROW_ACKED, ROW_BYTES, ROW_FLAGS, ROW_NEXT, ROW_PACKETS, ROW_RECORD
cdef Py_ssize_t ROW_SEQ, ROW_WINDOW
cdef unsigned long long ONE_COPY
cdef int COPY_SHIFT, MSS_SHIFT, SCALE_SHIFT, SCALING_SHIFT, TTL_SHIFT

@cython.locals(word=cython.ulonglong, count=cython.ulonglong)
cpdef read_half(Half half, Ledger ledger, Py_ssize_t at)
@cython.locals(word=cython.ulonglong, count=cython.ulonglong)
cpdef write_half(Half half, Ledger ledger, Py_ssize_t at)
