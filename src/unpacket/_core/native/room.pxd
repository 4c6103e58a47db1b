# What room.py says, for the compiled core.

from cpython.bytearray cimport PyByteArray_FromStringAndSize


cdef inline bytearray room(Py_ssize_t size):
    return PyByteArray_FromStringAndSize(NULL, size)
