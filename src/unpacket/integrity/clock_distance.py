"""Two captures in one whose clocks differ: every packet comes again, as much later.

Copies that lie as far apart as that are taken for retransmissions. But whoever sends
again gives the packet another identification, and does so after times that differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from unpacket._core.memory.batch import Batch

# So many frames are looked at, and so many packets have to come again.
MOST_FRAMES = 20_000
LEAST_COPIES = 20
# Of those that come again so many of a hundred have to do so after the same time.
SHARE_PERCENT = 80
SLOT_NS = 20_000_000

ETHERNET = 1
RAW = 101
# Where the IPv4 header begins; it has the version and the shortest length, and where
# its identification, protocol and end are.
IPV4_AT = {ETHERNET: 14, RAW: 0}
PLAIN_IPV4 = 0x45
IDENTIFICATION_AT, PROTOCOL_AT, HEADER_BYTES = 4, 9, 20
TCP = 6


class ClockDistance(NamedTuple):
    """How far the clocks of two captures are apart.

    Attributes:
        apart_ns: By so much packets come again later, about.
        packets: How many do, of the frames that were looked at.
    """

    apart_ns: int
    packets: int


def clock_distance(batches: Iterable[Batch]) -> ClockDistance | None:
    """Return how far two clocks are apart, if there are two."""
    first: dict[bytes, int] = {}
    slots: Counter[int] = Counter()
    sums: Counter[int] = Counter()
    seen = 0
    for batch in batches:
        for index in range(len(batch)):
            if seen == MOST_FRAMES:
                return judged(slots, sums)
            seen += 1
            _, time_ns, link_type, _, data = batch.frame(index)
            key = identity(link_type, bytes(data))
            if key is None:
                continue
            before_ns = first.setdefault(key, time_ns)
            if time_ns != before_ns:
                slot = (time_ns - before_ns) // SLOT_NS
                slots[slot] += 1
                sums[slot] += time_ns - before_ns
    return judged(slots, sums)


def judged(slots: Counter[int], sums: Counter[int]) -> ClockDistance | None:
    """Return the distance after which most came again, where it is that of most."""
    total = slots.total()
    if total < LEAST_COPIES:
        return None
    slot = max(slots, key=lambda one: slots[one] + slots[one + 1])
    count = slots[slot] + slots[slot + 1]
    if count * 100 < SHARE_PERCENT * total:
        return None
    return ClockDistance((sums[slot] + sums[slot + 1]) // count, count)


def identity(link_type: int, data: bytes) -> bytes | None:
    """Return what a copy of a TCP segment has in common with it, or None.

    That is all but what changes on the way: addresses of the link, TTL, checksum.
    """
    at = IPV4_AT.get(link_type)
    if at is None or len(data) < at + HEADER_BYTES or data[at] != PLAIN_IPV4:
        return None
    number = data[at + IDENTIFICATION_AT : at + IDENTIFICATION_AT + 2]
    if data[at + PROTOCOL_AT] != TCP or number == b"\0\0":
        return None
    return number + data[at + 12 :]
