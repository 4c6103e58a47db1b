cimport cython

@cython.final
cdef class Arrival:
    cdef readonly object stream, direction, packet, time_ns
    cdef readonly list events
    cdef readonly bytes pending
