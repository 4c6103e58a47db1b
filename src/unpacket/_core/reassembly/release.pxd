cimport cython

from unpacket._core.reassembly.accounting cimport event_bytes
from unpacket._core.reassembly.context cimport Context
from unpacket._core.reassembly.delivery cimport split
from unpacket._core.reassembly.events cimport Data, Finished, Urgent
from unpacket._core.reassembly.half cimport Half, HalfExtra

cdef unsigned int IGNORED

@cython.locals(extra=HalfExtra, data=Data, size=cython.longlong, head=Data)
cpdef release(Context ctx, Half half, bint everything)
cpdef wait_again(Context ctx, waiting, event)
cpdef give_out(Context ctx, Half half, Data data)
