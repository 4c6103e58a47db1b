cpdef object as_direction(object direction)
