cimport cython

from unpacket._core.reassembly.payload_gatherer cimport Gatherer
from unpacket.sinks.name_facts cimport put_tcpflow
from unpacket._core.reassembly.stream cimport Stream
from unpacket.records.text cimport Text
from unpacket.records.json_line cimport put_line
from unpacket.sinks.whole cimport write_file

cdef tuple DIRECTIONS


@cython.final
cdef class Direct:
    cdef Gatherer gatherer
    cdef Text lines
    cdef public int at
    cdef object taken
    cdef object digest
    cdef str members
    cdef Text name
    cdef Text client
    cdef Text server
    cdef bytearray data
    cdef readonly long long streams
    cdef readonly long long files
    cdef readonly long long written_bytes
    @cython.locals(
        gatherer=Gatherer, lines=Text, of_client=str, of_server=str, members=str
    )
    cpdef bint write(self, Stream stream, object other) except -1
    @cython.locals(length=Py_ssize_t)
    cdef object side(
        self, Stream stream, object direction, Text entry, object other
    )
    @cython.locals(name=Text, error=int)
    cdef bint make(self, Stream stream, object direction, object data) except -1
