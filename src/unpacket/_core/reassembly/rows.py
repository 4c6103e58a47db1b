# cython: boundscheck=False, nonecheck=False, initializedcheck=False
"""A row of the decoder's columns as an object, for whatever is not ordinary.

Payload is copied out of its batch here, once; a row that came in fragments has its
bytes aside.

The checks of indices are off in this file: with them a segment took 480 instructions,
without them 250. A row is below ``segments.count``, which no column is shorter than,
and its frame below the batch's ``count``; what lies aside is compared with the length
of its list, and bytes are taken by slices, or by ``native.octets``, which looks.
"""

from unpacket._core.decode.segments import Segments
from unpacket._core.memory.batch import Batch
from unpacket._core.native import octets as native
from unpacket._core.reassembly.segment import Segment
from unpacket._core.reassembly.stream import Stream


def segment_of(segments: Segments, batch: Batch, i: int) -> Segment:
    """Return row ``i`` of the segments as a Segment of its own."""
    seg = Segment.__new__(Segment)
    seg.seq = segments.seq[i]
    seg.ack = segments.ack[i]
    seg.flags = segments.flags[i]
    seg.window = segments.window[i]
    seg.length = segments.length[i]
    seg.captured = segments.captured[i]
    seg.ttl = segments.ttl[i]
    seg.urgent = segments.urgent[i]
    seg.mss = segments.mss[i]
    seg.wscale = segments.wscale[i]
    seg.sack_permitted = segments.sack_permitted[i] != 0
    seg.has_timestamp = segments.has_timestamp[i] != 0
    seg.tsval = segments.tsval[i]
    seg.checksum = segments.checksum[i]
    seg.copy = segments.copy[i] > 0
    seg.counted = False
    seg.doubts = 0
    seg.frame = batch.first_number + segments.index[i]
    seg.time_ns = segments.time_ns[i]
    seg.sacks = None
    seg.payload = octets_of(segments, batch, i, segments.start[i], seg.captured)
    if segments.sack_count[i]:
        seg.sacks = sacks_of(segments, batch, i)
    return seg


def sacks_of(segments: Segments, batch: Batch, i: int) -> list[tuple[int, int]]:
    """Return the SACK blocks of row ``i`` (RFC 2018 section 3)."""
    size = 8 * segments.sack_count[i]
    octets = octets_of(segments, batch, i, segments.sack_start[i], size)
    blocks = []
    for at in range(0, size, 8):
        left = int.from_bytes(octets[at : at + 4], "big")
        right = int.from_bytes(octets[at + 4 : at + 8], "big")
        blocks.append((left, right))
    return blocks


def octets_of(segments: Segments, batch: Batch, i: int, start: int, size: int) -> bytes:
    """Return ``size`` bytes of the packet of row ``i``, from ``start`` on."""
    source = segments.source[i]
    if source < 0:
        return native.octets(batch, start, size)
    if source >= len(segments.side):
        raise IndexError("no such bytes aside")
    side: bytes = segments.side[source]
    return side[start : start + size]


def stream_of(segments: Segments, batch: Batch, i: int) -> Stream:
    """Return a new stream between the ends of row ``i``, whose sender comes first."""
    stream = Stream()
    stream.a_hi = segments.a_hi[i]
    stream.a_lo = segments.a_lo[i]
    stream.b_hi = segments.b_hi[i]
    stream.b_lo = segments.b_lo[i]
    stream.ports = segments.ports[i]
    stream.context = segments.context[i]
    stream.family = segments.family[i]
    stream.hash = segments.hash[i]
    stream.link_type = batch.link_type[segments.index[i]]
    stream.first_a = segments.direction[i] == 0
    return stream
