cimport cython

from unpacket._core.reassembly.assembler cimport Assembler
from unpacket._core.reassembly.events cimport Data


cdef class Receiver:
    cdef public object client_callback
    cdef public object server_callback
    cdef public bint is_plain


@cython.final
cdef class Waiting:
    cdef readonly list events
    cdef readonly Py_ssize_t at
    cdef readonly dict receivers
    cdef readonly list watchers
    cdef public object client_callback
    cdef public object server_callback
    cdef public Data current
    cpdef add(self, list events)
    @cython.locals(count=Py_ssize_t)
    cpdef insert(self, list events)
    cpdef list watched(self, list happened)
    @cython.locals(event=object, data=Data, receiver=Receiver, happened=list)
    cpdef next(self, Assembler assembler)
