from cpython.object cimport PyObject


cdef extern from "Python.h":
    void PyObject_GC_UnTrack(PyObject* container)


cdef inline void leave_alone(object container) noexcept:
    PyObject_GC_UnTrack(<PyObject*> container)
