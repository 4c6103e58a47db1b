"""When a live capture lost packets, as far as the kernel lets one know.

It counts the packets that it had no room for, and no more. What was counted between
two questions was lost between them: that is all that is known of the time.
"""

from __future__ import annotations

from typing import NamedTuple

# Intervals that are kept apart; the two that lie closest become one beyond it.
MOST_INTERVALS = 4096


class Loss(NamedTuple):
    """Packets that were lost between two points in time.

    Attributes:
        start_ns, stop_ns: Between which, in nanoseconds since 1970.
        packets: How many.
    """

    start_ns: int
    stop_ns: int
    packets: int


class Losses:
    """All that a capture lost, in the order of time.

    Attributes:
        packets: How many were lost in all.
    """

    def __init__(self) -> None:
        self.packets = 0
        self._intervals: list[Loss] = []

    def add(self, start_ns: int, stop_ns: int, packets: int) -> None:
        """Take what was lost after all that was added before."""
        self.packets += packets
        found = self._intervals
        if found and start_ns <= found[-1].stop_ns:
            last = found.pop()
            start_ns = last.start_ns
            packets += last.packets
        found.append(Loss(start_ns, max(start_ns, stop_ns), packets))
        if len(found) > MOST_INTERVALS:
            self._join_closest()

    def between(self, start_ns: int, stop_ns: int) -> int:
        """Return how many may have been lost of what was sent in that time."""
        count = 0
        for one in reversed(self._intervals):
            if one.stop_ns < start_ns:
                break
            if one.start_ns <= stop_ns:
                count += one.packets
        return count

    def intervals(self) -> list[Loss]:
        """Return when, and how many each time."""
        return list(self._intervals)

    def _join_closest(self) -> None:
        found = self._intervals
        at = min(
            range(len(found) - 1),
            key=lambda i: found[i + 1].start_ns - found[i].stop_ns,
        )
        one, other = found[at : at + 2]
        found[at : at + 2] = [
            Loss(one.start_ns, other.stop_ns, one.packets + other.packets)
        ]
