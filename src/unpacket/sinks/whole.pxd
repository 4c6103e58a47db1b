from unpacket.sinks.native cimport system as native


cpdef int write_file(
    int at, bytes path, const unsigned char[::1] data, long long time_ns
) except -1
