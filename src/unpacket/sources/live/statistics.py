"""What a live capture counts."""

from typing import NamedTuple


class LiveStatistics(NamedTuple):
    """What was counted since a live capture began.

    Attributes:
        received: Packets that the kernel had for it, those it lost included.
        dropped: Packets that it lost for want of room in the ring.
        given: Packets that were given on.
        skipped: Packets that are of the other direction, or shown twice by ``lo``.
        bytes: Of the packets that were given on, as far as they were captured.
    """

    received: int
    dropped: int
    given: int
    skipped: int
    bytes: int
