"""What one side of a connection has acknowledged (RFC 9293, RFC 2018, RFC 2883)."""

from __future__ import annotations

from collections.abc import Iterable

from unpacket._core.sequence import delta, wrap

# As many intervals as libtins keeps.
MAX_INTERVALS = 1024


class AckTracker:
    """Cumulative and selective acknowledgements, in sequence numbers.

    Args:
        ack: The first acknowledgement number; the first one seen if None.
        max_intervals: How many SACKed intervals are kept; what would be one more
            forgets the highest.

    Attributes:
        duplicate_sacks: How many blocks reported what was acknowledged already
            (DSACK, RFC 2883).
    """

    def __init__(
        self, ack: int | None = None, max_intervals: int = MAX_INTERVALS
    ) -> None:
        self._base = 0 if ack is None else ack
        self._started = ack is not None
        self._edge = 0
        self._max_intervals = max_intervals
        # Disjoint, sorted and not touching, as distances from the base.
        self._ranges: list[tuple[int, int]] = []
        self.duplicate_sacks = 0

    @property
    def ack(self) -> int:
        """The cumulative acknowledgement; everything before it has arrived."""
        return wrap(self._edge, self._base)

    @property
    def sacked_bytes(self) -> int:
        """How many bytes beyond it are acknowledged."""
        return sum(stop - start for start, stop in self._ranges)

    def acked_intervals(self) -> list[tuple[int, int]]:
        """Return the SACKed intervals as ``(first, end)``, the end not included."""
        return [
            (wrap(start, self._base), wrap(stop, self._base))
            for start, stop in self._ranges
        ]

    def acknowledge(
        self, ack: int, sacks: Iterable[tuple[int, int]] | None = None
    ) -> None:
        """Take the acknowledgement number and SACK blocks of a segment."""
        if not self._started:
            self._base = ack
            self._started = True
        self._edge = max(self._edge, self._distance(ack))
        for left, right in sacks or ():
            start = self._distance(left)
            stop = start + delta(right, left)
            if stop <= start:
                continue
            if stop <= self._edge:
                self.duplicate_sacks += 1
            elif start <= self._edge:
                self._edge = stop
            else:
                self._add(start, stop)
        self._tidy()

    def is_segment_acked(self, seq: int, length: int) -> bool:
        """Return whether all ``length`` bytes from ``seq`` on are acknowledged."""
        start = max(self._distance(seq), self._edge)
        stop = self._distance(seq) + length
        if stop <= self._edge:
            return True
        return any(low <= start and stop <= high for low, high in self._ranges)

    def _distance(self, seq: int) -> int:
        return self._edge + delta(seq, wrap(self._edge, self._base))

    def _add(self, start: int, stop: int) -> None:
        kept = []
        for low, high in self._ranges:
            if high < start or low > stop:
                kept.append((low, high))
            else:
                start = min(start, low)
                stop = max(stop, high)
        kept.append((start, stop))
        kept.sort()
        self._ranges = kept[: self._max_intervals]

    def _tidy(self) -> None:
        """Forget what lies below the edge.

        An interval that begins right at it stays one: its receiver may still drop
        what it reported there (RFC 2018 section 8).
        """
        self._ranges = [
            (max(start, self._edge), stop)
            for start, stop in self._ranges
            if stop > self._edge
        ]
