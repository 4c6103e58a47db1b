cimport cython

from unpacket._core.memory.batch cimport Batch
from unpacket._core.native cimport octets as native
from unpacket._core.reassembly.assembler cimport Assembler
from unpacket._core.reassembly.events cimport Data
from unpacket._core.reassembly.stream cimport Stream

cdef int ETHERNET, ETHERNET_HEADER, STEP_DONE, STEP_EVENTS


cdef class Receiver:
    cdef public Stream facts
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
    cdef Assembler worked
    cdef bytes payload
    cdef list by_slot
    @cython.locals(slot=Py_ssize_t, known=Receiver, found=Receiver)
    cdef Receiver receiver_of(self, Stream stream)
    @cython.locals(slot=Py_ssize_t, known=Receiver)
    cpdef leave(self, Stream stream)
    cpdef Data at_work(self)
    cpdef add(self, list events)
    @cython.locals(count=Py_ssize_t)
    cpdef insert(self, list events)
    cpdef list watched(self, list happened)
    @cython.locals(
        event=object, data=Data, receiver=Receiver, happened=list, found=int
    )
    cpdef next(self, Assembler assembler)
    cdef object callback_of(self, Receiver receiver, bint is_client)


@cython.locals(start=Py_ssize_t)
cpdef bytes hw_addresses(Batch batch, Py_ssize_t index)
