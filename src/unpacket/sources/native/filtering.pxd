# What filtering.py says, for the compiled core.

from unpacket._core.memory.batch cimport Batch
from unpacket.sources.bpf.machine cimport Memory, Program


cdef inline Py_ssize_t mark(
    Program program, Batch batch, Py_ssize_t start, Memory memory
) except -1:
    with nogil:
        start = program._mark(batch, start, memory)
    return start
