cimport cython

from unpacket._core.reassembly.half cimport (
    Half, delivered_of, duplicates_of, other_channel_of, packets_of,
    retransmissions_of
)
from unpacket._core.reassembly.stream cimport Stream, address_text, side
from unpacket.records.text cimport Text

cdef unsigned int IS_CLIENT


@cython.locals(text=Text)
cpdef str told(Stream stream, str digests, str troubles)
@cython.locals(client=Half, server=Half, client_is_a=bint, reason=str)
cpdef tell(Text text, Stream stream, str digests, str troubles)
@cython.locals(text=Text, client_is_a=bint)
cpdef str described(Stream stream)
cdef put_printed(Text text, Stream stream, bint first)
@cython.locals(half=Half)
cdef Half half_of(Stream stream, unsigned int flag)
cdef put_end(Text text, str name, Stream stream, bint first)
@cython.locals(shift=int)
cdef put_address(Text text, unsigned long long address)
cdef put_pair(Text text, long long client, long long server)
