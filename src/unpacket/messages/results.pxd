cimport cython

from unpacket.messages.body cimport Body


cdef class Message:
    cdef public object stream
    cdef public object direction
    cdef public object protocol
    cdef public object known_by
    cdef public list anomaly_list
    cdef public Body _body
    cdef public long long offset
    cdef public long long length
    cdef public long long first_frame
    cdef public long long last_frame
    cdef public long long time_ns
    cdef public long long last_ns
    # How many messages of the layer began before.
    cdef public long long number
    cdef public bint complete
    cdef public bint length_known
    cdef public bint interim
    cdef public bint swapped
    cpdef note(self, anomaly)


cpdef Message new_message()
cpdef Message clear(Message message)


@cython.final
cdef class Skipped:
    cdef readonly object stream
    cdef readonly object direction
    cdef readonly long long offset
    cdef readonly long long length
    cdef readonly long long frame
    cdef readonly long long time_ns
    cdef readonly bint swapped
