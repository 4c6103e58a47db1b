# cython: nonecheck=False
"""Finds the packet records of captures in a buffer, and fills a batch with them.

Each scan goes on from a position and stops in front of the first record that is not
complete, is damaged, or is not a packet, or when the batch is full. It does not say
which: that is decided, once a buffer, where the next bytes come from.

Bytes are read unchecked (``loads``): a record in the cache takes 11 ns so, and 43
with checked indices, where 6 are for the jump from one record to the next alone. What
holds in place of the checks: every byte read is below ``position + length`` where
``length <= stop - position`` has been tested, ``position`` is never negative, and
``stop``, the batch's used bytes, is within its buffer. The columns are checked as
everywhere. tests/sources/formats/test_scan.py and tests/sources/test_capture.py reach
every load with arbitrary bytes.
"""

from unpacket._core.memory.batch import Batch
from unpacket._core.native import loads as native
from unpacket.sources.formats.interfaces import Interfaces

PCAP_HEADER = 16
SNOOP_HEADER = 24
ENHANCED_HEADER = 28
SIMPLE_HEADER = 12
TRAILER = 4

# Options of an enhanced packet.
COMMENT = 1
FLAGS = 2
DROP_COUNT = 4


def scan_pcap(
    batch: Batch,
    position: int,
    big_endian: bool,
    nanoseconds: bool,
    link_type: int,
    longest: int,
    lengths_swapped: int,
    header: int,
) -> int:
    """Add the records from ``position`` on and return where the next one begins.

    Args:
        nanoseconds: Whether fractions of a second are that, or microseconds.
        longest: More captured bytes than this are damage.
        lengths_swapped: 0 if the captured length comes first, 1 if the original
            does, 2 if the smaller one is the captured length.
        header: How long the header of a record is: 16 bytes or more.
    """
    data = batch.data
    stop = batch.used_bytes
    count = batch.count
    unit_ns = 1 if nanoseconds else 1000
    if position < 0 or header < PCAP_HEADER:
        return position
    while count < batch.capacity and stop - position >= header:
        captured = native.load32(data, position + 8, big_endian)
        original = native.load32(data, position + 12, big_endian)
        if lengths_swapped == 1 or (lengths_swapped == 2 and captured > original):
            captured, original = original, captured
        if captured > longest or captured > stop - position - header:
            break
        seconds = native.load32(data, position, big_endian)
        fraction = native.load32(data, position + 4, big_endian)
        batch.start[count] = position + header
        batch.captured[count] = captured
        batch.original[count] = original if original > captured else captured
        batch.time_ns[count] = seconds * 1_000_000_000 + fraction * unit_ns
        batch.link_type[count] = link_type
        count += 1
        position += header + captured
    batch.count = count
    return position


def scan_snoop(
    batch: Batch, position: int, link_type: int, longest: int, longest_record: int
) -> int:
    """Add the records from ``position`` on and return where the next one begins.

    Args:
        longest: More captured bytes than this are damage.
        longest_record: The same of what a record has with its header and filling.
    """
    data = batch.data
    stop = batch.used_bytes
    count = batch.count
    if position < 0:
        return position
    while count < batch.capacity and stop - position >= SNOOP_HEADER:
        original = native.load32(data, position, True)
        captured = native.load32(data, position + 4, True)
        total = native.load32(data, position + 8, True)
        if captured > longest or total > longest_record or total > stop - position:
            break
        if total < SNOOP_HEADER + captured:
            break
        seconds = native.load32(data, position + 16, True)
        fraction = native.load32(data, position + 20, True)
        batch.start[count] = position + SNOOP_HEADER
        batch.captured[count] = captured
        batch.original[count] = original if original > captured else captured
        batch.time_ns[count] = seconds * 1_000_000_000 + fraction * 1000
        batch.link_type[count] = link_type
        count += 1
        position += total
    batch.count = count
    return position


def scan_pcapng(
    batch: Batch, interfaces: Interfaces, position: int, big_endian: bool
) -> int:
    """Add the packet blocks from ``position`` on, and return where they end.

    A Simple Packet Block does not say when: it gets the time of the packet before.
    """
    data = batch.data
    stop = batch.used_bytes
    count = batch.count
    last_ns = interfaces.last_ns
    if position < 0:
        return position
    if interfaces.count > 1:
        batch.begin_interfaces()
    # The section before may have had others.
    several = batch.has_interfaces
    while count < batch.capacity and stop - position >= SIMPLE_HEADER + TRAILER:
        kind = native.load32(data, position, big_endian)
        total = native.load32(data, position + 4, big_endian)
        # 6: enhanced; 2: its obsolete predecessor, with an interface of 16 bits
        if kind == 6 or kind == 2:
            header = ENHANCED_HEADER
        elif kind == 3:
            header = SIMPLE_HEADER
        else:
            break
        if total < header + TRAILER or total > stop - position:
            break
        if native.load32(data, position + total - TRAILER, big_endian) != total:
            break
        room = total - header - TRAILER
        if kind == 3:
            interface = 0
            original = native.load32(data, position + 8, big_endian)
            if interfaces.count == 0:
                break
            captured = interfaces.snaplen[0]
            if captured == 0 or captured > original:
                captured = original
            # The block is padded, so its length is only the upper bound.
            if captured > room:
                captured = room
            if batch.has_flags:
                batch.flags[count] = 0
        else:
            if kind == 6:
                interface = native.load32(data, position + 8, big_endian)
            else:
                interface = native.load16(data, position + 8, big_endian)
            captured = native.load32(data, position + 20, big_endian)
            original = native.load32(data, position + 24, big_endian)
            if interface >= interfaces.count or captured > room:
                break
            ticks = native.load32(data, position + 12, big_endian)
            ticks = ticks << 32 | native.load32(data, position + 16, big_endian)
            last_ns = interfaces.time_ns(interface, ticks)
            if kind == 2:
                lost = native.load16(data, position + 10, big_endian)
                if lost != 0xFFFF:
                    interfaces.lost += lost
                    interfaces.counts_lost = True
            flags = 0
            # Padding ends at a multiple of four, wherever the block begins.
            if room - captured >= 8:
                options = position + header + (captured + 3 & ~3)
                if has_note(data, options, position + total - TRAILER, big_endian):
                    interfaces.noted += 1
                if kind == 6:
                    flags = flags_in(
                        data, options, position + total - TRAILER, big_endian
                    )
            if flags and not batch.has_flags:
                batch.count = count
                batch.begin_flags()
            if batch.has_flags:
                batch.flags[count] = flags
        if captured > interfaces.longest[interface]:
            break
        batch.start[count] = position + header
        batch.captured[count] = captured
        batch.original[count] = original if original > captured else captured
        batch.time_ns[count] = last_ns
        batch.link_type[count] = interfaces.link_type[interface]
        if several:
            batch.interface[count] = interface
        count += 1
        position += total
    interfaces.last_ns = last_ns
    batch.count = count
    return position


def has_note(data: bytes | bytearray, at: int, stop: int, big_endian: bool) -> bool:
    """Return whether a comment or a count of losses is in the options of a packet."""
    while stop - at >= 4:
        code = native.load16(data, at, big_endian)
        if code == COMMENT or code == DROP_COUNT:
            return True
        if code == 0:
            return False
        at += 4 + (native.load16(data, at + 2, big_endian) + 3 & ~3)
    return False


def flags_in(data: bytes | bytearray, at: int, stop: int, big_endian: bool) -> int:
    """Return the flags among the options of a packet; 0 where there are none."""
    while stop - at >= 8:
        code = native.load16(data, at, big_endian)
        length = native.load16(data, at + 2, big_endian)
        if code == FLAGS and length == 4:
            return native.load32(data, at + 4, big_endian)
        if code == 0:
            return 0
        at += 4 + (length + 3 & ~3)
    return 0
