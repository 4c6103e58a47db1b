# What text.py says, for the compiled core.

from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.string cimport memcpy


cdef inline Py_ssize_t text_bytes(str text) except -1:
    cdef Py_ssize_t length = 0
    PyUnicode_AsUTF8AndSize(text, &length)
    return length


cdef inline int put_text(bytearray target, Py_ssize_t at, str text) except -1:
    cdef Py_ssize_t length = 0
    cdef const char* data = PyUnicode_AsUTF8AndSize(text, &length)
    memcpy(PyByteArray_AS_STRING(target) + at, data, length)
    return 0


cdef inline int copy(
    bytearray target, Py_ssize_t at, bytearray source, Py_ssize_t length
) except -1:
    memcpy(PyByteArray_AS_STRING(target) + at, PyByteArray_AS_STRING(source), length)
    return 0


cdef inline bytes first(bytearray source, Py_ssize_t length):
    return PyBytes_FromStringAndSize(PyByteArray_AS_STRING(source), length)


cdef inline Py_ssize_t put_number(
    bytearray target, Py_ssize_t at, long long value, Py_ssize_t width
) except -1:
    cdef char[20] digits
    cdef Py_ssize_t first = 20
    cdef Py_ssize_t used = 0
    cdef unsigned long long left
    cdef char* to = PyByteArray_AS_STRING(target) + at
    if value < 0:
        left = <unsigned long long>(-(value + 1)) + 1
        to[0] = 45
        used = 1
    else:
        left = <unsigned long long>value
    while left or first == 20:
        first -= 1
        digits[first] = <char>(48 + left % 10)
        left //= 10
    while width > 20 - first:
        to[used] = 48
        used += 1
        width -= 1
    memcpy(to + used, &digits[first], 20 - first)
    return used + 20 - first
