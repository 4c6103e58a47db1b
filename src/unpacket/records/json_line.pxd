cimport cython

from unpacket._core.reassembly.half cimport (
    Half, delivered_of, duplicates_of, other_channel_of, packets_of,
    retransmissions_of
)
from unpacket._core.reassembly.stream cimport Stream, address_text, side
from unpacket.records.text cimport Text

cdef unsigned int IS_CLIENT


@cython.locals(text=Text)
cpdef str json_line(
    Stream stream, str client_members, str server_members, str members
)
@cython.locals(
    client_is_a=bint, start_ns=cython.longlong, end_ns=cython.longlong, reason=str
)
cpdef put_line(
    Text text, Stream stream, str client_members, str server_members, str members
)
cdef put_side(Text text, Stream stream, bint first, Half half)
@cython.locals(text=Text, client_is_a=bint)
cpdef str plain_description(Stream stream)
cdef put_printed(Text text, Stream stream, bint first)
@cython.locals(half=Half)
cdef Half half_of(Stream stream, unsigned int flag)
@cython.locals(shift=int)
cdef put_address(Text text, unsigned long long address)
