cimport cython

from unpacket._core.reassembly.stream cimport Stream, address_text
from unpacket.records.text cimport Text

cdef tuple THREE_DIGITS, SIDES
cdef long long NS
cdef int NAME_FROM, NAME_FROM_PORT, NAME_TO, NAME_TO_PORT, NAME_SIDE, NAME_ID
cdef int NAME_CLIENT_ADDRESS, NAME_CLIENT_PORT, NAME_SERVER_ADDRESS, NAME_SERVER_PORT
cdef int NAME_FRAME, NAME_TIME_NS, NAME_TIME_S


@cython.locals(client_is_a=bint, sender_is_a=bint, found=list, code=int)
cpdef list facts(Stream stream, int direction, str taken, list codes)
@cython.locals(sender_is_a=bint)
cpdef bint put_tcpflow(Text name, Stream stream, object direction) except -1
@cython.locals(lo=cython.ulonglong, shift=int)
cdef put_padded(Text name, Stream stream, bint first)
@cython.locals(lo=cython.ulonglong)
cdef str padded(Stream stream, bint first)
cdef unsigned int port(Stream stream, bint first)
