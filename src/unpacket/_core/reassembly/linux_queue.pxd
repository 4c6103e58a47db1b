cimport cython

cdef long long HEAD_ROOM, TRAILER, LINE, SMALL, PAGE
cdef Py_ssize_t HIDDEN_FACTOR, HIDDEN_FLOOR

@cython.locals(used=cython.longlong, padded=cython.longlong, size=cython.longlong)
cpdef long long tail_room(long long packet_bytes) except -1

@cython.final
cdef class Buffer:
    cdef readonly long long start, stop, fins, room
    cdef bint red
    cdef Buffer left, right, parent

@cython.final
cdef class LinuxQueue:
    cdef Buffer root, last
    cdef readonly Py_ssize_t count
    cdef readonly long long shift
    @cython.locals(
        last=Buffer, parent=Buffer, node=Buffer, new=Buffer, to_right=bint,
        fins=cython.longlong,
    )
    cpdef long long add(
        self, long long start, long long stop, long long size, long long room
    ) except *
    cdef long long append(
        self, Buffer buffer, long long stop, long long size
    ) except *
    @cython.locals(node=Buffer)
    cpdef advance(self, long long next_offset)
    @cython.locals(node=Buffer, after=Buffer, reach=cython.longlong)
    cpdef prune(self, Py_ssize_t pieces)
    @cython.locals(after=Buffer)
    cdef uncover(self, Buffer new)
    @cython.locals(above=Buffer, uncle=Buffer, inner=Buffer, on_left=bint)
    cdef insert(self, Buffer node, Buffer parent, bint to_right)
    @cython.locals(child=Buffer, parent=Buffer, heir=Buffer, left=Buffer, red=bint)
    cdef erase(self, Buffer node)
    @cython.locals(on_left=bint, sibling=Buffer, far=Buffer, near=Buffer)
    cdef mend(self, Buffer node, Buffer parent)
    @cython.locals(riser=Buffer, middle=Buffer)
    cdef rotate(self, Buffer node, bint to_left)
    @cython.locals(parent=Buffer)
    cdef graft(self, Buffer old, Buffer new)

@cython.locals(after=Buffer, above=Buffer)
cdef Buffer following(Buffer node)
@cython.locals(before=Buffer, above=Buffer)
cdef Buffer preceding(Buffer node)
