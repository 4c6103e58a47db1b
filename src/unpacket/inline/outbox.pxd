cimport cython

@cython.final
cdef class Outcome:
    cdef public object origin, reason
    cdef public list forward, back

@cython.locals(made=Outcome)
cpdef Outcome outcome_of(object origin)
