# cython: nonecheck=False, initializedcheck=False, overflowcheck=False
"""TCP: from a TCP header to a row of ``Segments``.

RFC 9293, options of RFC 2018 (SACK) and RFC 7323 (window scale, timestamps).
"""

from unpacket._core.constants import LOW32, ODD_MD5
from unpacket._core.decode.checksum import ones_sum
from unpacket._core.decode.flow_key import RowWriter
from unpacket._core.decode.packet import Packet
from unpacket._core.decode.reasons import NONE, TCP_HEADER, TCP_TRUNCATED
from unpacket._core.decode.segments import (
    BAD,
    GOOD,
    NOT_JUDGED,
    UNFILLED,
    Segments,
)
from unpacket._core.native import loads, reads

# RFC 7323 section 2.3: a larger shift means 14.
MAX_WSCALE = 14


class TcpLayer:
    """Reads TCP headers.

    ``hash_keys`` are those of ``RowWriter``.
    """

    __slots__ = ("_rows",)

    def __init__(self, hash_keys: list[int]) -> None:
        self._rows = RowWriter(hash_keys)

    def read(self, packet: Packet, segments: Segments, index: int, time_ns: int) -> int:
        """Append the segment that begins at ``packet.at``, if it is one.

        Returns one of ``reasons``. There must be room in ``segments``.
        """
        at = packet.at
        size = packet.wire_stop - at
        if size < 20:
            return TCP_HEADER
        stop = packet.stop
        if stop - at < 20 or at < 0 or stop > len(packet.data):
            return TCP_TRUNCATED
        options = at + 20
        start = at + (loads.load16(packet.data, at + 12, True) >> 12) * 4
        if start < options or start > packet.wire_stop:
            return TCP_HEADER
        n = segments.count
        self._rows.write(packet, start, segments, n)
        segments.index[n] = index
        segments.time_ns[n] = time_ns
        if packet.odd:
            segments.flags[n] |= packet.odd
        if packet.verify_checksums and stop == packet.wire_stop:
            segments.checksum[n] = judge(packet, at)
        if start > options:
            stop = min(start, stop)
            # NOP NOP timestamps: what nearly every segment carries.
            if (
                stop - options == 12
                and loads.load32(packet.data, options, True) == 0x0101080A
            ):
                segments.has_timestamp[n] = 1
                segments.tsval[n] = loads.load32(packet.data, options + 4, True)
                segments.tsecr[n] = loads.load32(packet.data, options + 8, True)
            else:
                read_options(packet, segments, n, options, stop)
        segments.count = n + 1
        return NONE


def read_options(packet: Packet, segments: Segments, n: int, at: int, stop: int) -> int:
    """Fill the columns of the options in ``[at, stop)``.

    A list that breaks its own rules ends where it does so.
    """
    segments.with_options = True
    while at + 2 <= stop:
        kind = packet.data[at]
        if kind == 0:
            return 0
        if kind == 1:
            at += 1
            continue
        size = packet.data[at + 1]
        if size < 2 or at + size > stop:
            return 0
        if kind == 2 and size == 4:
            segments.mss[n] = reads.be16(packet, at + 2)
        elif kind == 3 and size == 3:
            segments.wscale[n] = min(packet.data[at + 2], MAX_WSCALE)
        elif kind == 4 and size == 2:
            segments.sack_permitted[n] = 1
        elif kind == 5 and size >= 10 and size & 7 == 2:
            segments.sack_start[n] = at + 2
            segments.sack_count[n] = size >> 3
        elif kind == 19 and size == 18:
            segments.flags[n] |= ODD_MD5
        elif kind == 8 and size == 10:
            segments.has_timestamp[n] = 1
            segments.tsval[n] = reads.be32(packet, at + 2)
            segments.tsecr[n] = reads.be32(packet, at + 6)
        at += size
    return 0


def judge(packet: Packet, at: int) -> int:
    """Return what the checksum of a segment is worth that was captured whole.

    A segment whose IPv4 header is damaged is as bad as one with damage of its own:
    no receiver accepts either.
    """
    # Sums are left unfolded: all that matters is their remainder.
    without_length = 6 + packet.src_lo + packet.dst_lo
    if packet.family == 6:
        without_length = (
            halves(packet.src_hi)
            + halves(packet.src_lo)
            + halves(packet.dst_hi)
            + halves(packet.dst_lo)
            + 6
        )
    pseudo = without_length + packet.wire_stop - at
    if (pseudo + ones_sum(packet, at, packet.stop)) % 0xFFFF == 0:
        return BAD if packet.ip_header_damaged else GOOD
    field = reads.be16(packet, at + 16)
    # The negative, modulo 0xFFFF.
    other = 0xFFFF - field
    # What is left for the card to finish is the pseudo-header's sum: with the length
    # (Linux) or without (large sends of Windows), as a sum or as a checksum.
    if (
        field == 0
        or (pseudo + other) % 0xFFFF == 0
        or (pseudo + field) % 0xFFFF == 0
        or (without_length + other) % 0xFFFF == 0
        or (without_length + field) % 0xFFFF == 0
    ):
        return UNFILLED
    if packet.unsummed or not packet.length_known:
        return NOT_JUDGED
    return BAD


def halves(address: int) -> int:
    """Return the sum of the two halves of 64 bits."""
    return (address >> 32) + (address & LOW32)
