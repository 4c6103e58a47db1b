cimport cython

from unpacket._core.reassembly.half cimport Half
from unpacket._core.reassembly.half_row cimport write_half
from unpacket._core.reassembly.ledger cimport Ledger
from unpacket._core.reassembly.stream cimport Stream, side

cdef unsigned int SIMPLE, ZERO_WINDOW
cdef Py_ssize_t KEY_A_HI, KEY_A_LO, KEY_B_HI, KEY_B_LO, KEY_OWNER, KEY_PORTS, ROW_A
cdef Py_ssize_t ROW_B, ROW_LAST, ROW_SEEN, ROW_WORDS
cdef int OWNER_SHIFT

cpdef bint ordinary(Half half) except -1
@cython.locals(row=Py_ssize_t, at=Py_ssize_t, word=cython.ulonglong, half=Half)
cpdef bint enlist(Stream stream, Ledger ledger) except -1
@cython.locals(ledger=Ledger)
cpdef recall(Stream stream)
@cython.locals(ledger=Ledger)
cpdef Py_ssize_t seen(Stream stream) except? -1
