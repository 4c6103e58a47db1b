cimport cython

from unpacket._core.state cimport Stream, address_text


@cython.locals(client_is_a=bint, client_port=cython.uint, server_port=cython.uint)
cpdef str told(Stream stream, str digests, str troubles)
