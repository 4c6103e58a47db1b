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


cdef inline void put_digits(
    char* to, unsigned int value, Py_ssize_t count
) noexcept nogil:
    # From the last to the first.
    while count:
        count -= 1
        to[count] = <char>(48 + value % 10)
        value //= 10


cdef inline Py_ssize_t put_time(
    bytearray target, Py_ssize_t at, long long time_ns
) except -1:
    # The year begins in March, so that the day that is not always there is its last:
    # months of 31, 30, 31, 30, 31 days, twice and a half, are 153 days in each 5, and
    # a month's first day is (153 * month + 2) / 5. 400 years are 146,097 days, and
    # 719,468 lie between the first of March of the year 0 and 1970.
    cdef char* to = PyByteArray_AS_STRING(target) + at
    cdef long long seconds = time_ns // 1_000_000_000
    cdef unsigned int ns = <unsigned int>(time_ns % 1_000_000_000)
    cdef long long days = seconds // 86400
    cdef unsigned int second = <unsigned int>(seconds - days * 86400)
    # Of any time in 64 bits positive: the first of them is in 1677.
    cdef unsigned int since = <unsigned int>(days + 719468)
    cdef unsigned int era = since // 146097
    cdef unsigned int day = since - era * 146097
    cdef unsigned int year = (
        day - day // 1460 + day // 36524 - day // 146096
    ) // 365
    cdef unsigned int month
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5
    year += 400 * era
    if month < 10:
        month += 3
    else:
        month -= 9
        year += 1
    memcpy(to, b"0000-00-00T00:00:00.000000000Z", 30)
    put_digits(to, year, 4)
    put_digits(to + 5, month, 2)
    put_digits(to + 8, day + 1, 2)
    put_digits(to + 11, second // 3600, 2)
    put_digits(to + 14, second // 60 % 60, 2)
    put_digits(to + 17, second % 60, 2)
    put_digits(to + 20, ns, 9)
    return 30
