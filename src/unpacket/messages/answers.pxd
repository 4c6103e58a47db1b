cimport cython

cdef int NEED, MESSAGE, PART, UNTIL_END, TUNNEL, SKIP, REFUSE, BROKEN


@cython.final
cdef class Answer:
    cdef public int kind
    cdef public long long length
    cdef public long long head
    cdef public object protocol
    cdef public object item
    cdef public bint blocks
    cdef public bint tunnels
    cdef public bint interim
    cdef public object anomaly
