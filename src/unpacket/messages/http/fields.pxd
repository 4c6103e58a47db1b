cimport cython

from unpacket.messages.native cimport find as native

cdef int CR, LF, SPACE, TAB, COLON


@cython.locals(
    found=list, at=Py_ssize_t, size=Py_ssize_t, named=Py_ssize_t, folds=bint,
    lf=Py_ssize_t, stop=Py_ssize_t, colon=Py_ssize_t, behind=Py_ssize_t, more=str,
    value=str,
)
cpdef str field_value(bytes head, Py_ssize_t start, bytes name)
@cython.locals(
    found=list, at=Py_ssize_t, size=Py_ssize_t, lf=Py_ssize_t, stop=Py_ssize_t,
    colon=Py_ssize_t, folds=bint,
)
cpdef list parse_fields(bytes head, Py_ssize_t start)
