from unpacket._core.state cimport Stream


cpdef str told(Stream stream, str digests, str troubles)
