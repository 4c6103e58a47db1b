"""The obviously correct reassembler: one byte at a time, in dictionaries.

It knows nothing of TCP but offsets: segments come in any order, bytes that are next
are delivered for good, and where two segments that wait claim the same offset the
table of overlap policies says whose byte is kept.
"""

from typing import NamedTuple

RELATIONS = [
    "same start, N ends earlier",
    "same start, same end",
    "same start, N ends later",
    "N starts earlier, ends before O's end",
    "N starts earlier, covers O's end",
    "N starts later, ends at or before O's end",
    "N starts later, ends after O's end",
]

# The columns of the design's table: who wins in each of RELATIONS.
OLD, NEW = "old", "new"
FIRST = [OLD, OLD, OLD, OLD, OLD, OLD, OLD]
BSD = [OLD, OLD, OLD, NEW, NEW, OLD, OLD]
LINUX = [OLD, OLD, NEW, NEW, NEW, OLD, OLD]
OLD_LINUX = [OLD, NEW, NEW, NEW, NEW, OLD, OLD]
SOLARIS = [OLD, NEW, NEW, OLD, NEW, OLD, NEW]
LAST = [NEW, NEW, NEW, NEW, NEW, NEW, NEW]
TABLE = {
    "first": FIRST,
    "vista": FIRST,
    "bsd": BSD,
    "windows": BSD,
    "macos": BSD,
    "irix": BSD,
    "hpux10": BSD,
    "linux": LINUX,
    "old-linux": OLD_LINUX,
    "solaris": SOLARIS,
    "hpux11": SOLARIS,
    "last": LAST,
}


class Segment(NamedTuple):
    """What came in one packet, at a stream offset."""

    start: int
    payload: bytes
    frame: int

    @property
    def stop(self) -> int:
        return self.start + len(self.payload)

    def byte(self, offset: int) -> int:
        return self.payload[offset - self.start]


def relation(new: Segment, old: Segment) -> str:
    """Return which of RELATIONS two segments that overlap stand in."""
    if new.start == old.start:
        if new.stop < old.stop:
            return "same start, N ends earlier"
        if new.stop == old.stop:
            return "same start, same end"
        return "same start, N ends later"
    if new.start < old.start:
        if new.stop < old.stop:
            return "N starts earlier, ends before O's end"
        return "N starts earlier, covers O's end"
    if new.stop <= old.stop:
        return "N starts later, ends at or before O's end"
    return "N starts later, ends after O's end"


class Reassembler:
    """One direction of a stream.

    Attributes:
        delivered: The segment that each delivered byte came from, by offset.
        held: The same for bytes that wait.
    """

    def __init__(self, policy: str = "first") -> None:
        self.wins = dict(zip(RELATIONS, TABLE[policy], strict=True))
        self.delivered: dict[int, Segment] = {}
        self.held: dict[int, Segment] = {}
        self.next_offset = 0

    def new_wins(self, name: str) -> bool:
        return self.wins[name] == NEW

    def add(
        self, start: int, payload: bytes, frame: int = 0
    ) -> list[tuple[int, int, int]]:
        """Take a segment.

        Returns:
            The conflicts: an offset, the byte that is kept, and the one that is not.
        """
        whole = Segment(start, payload, frame)
        conflicts = []
        for offset in range(whole.start, min(whole.stop, self.next_offset)):
            if offset >= 0 and self.delivered[offset].byte(offset) != whole.byte(
                offset
            ):
                kept = self.delivered[offset].byte(offset)
                conflicts.append((offset, kept, whole.byte(offset)))
        # What lies before the edge is gone before a receiver looks at the rest.
        first = max(start, self.next_offset)
        new = Segment(first, payload[first - start :], frame)
        for offset in range(new.start, new.stop):
            old = self.held.get(offset)
            if old is None:
                self.held[offset] = new
                continue
            winner, loser = old, new
            if self.new_wins(relation(new, old)):
                winner, loser = new, old
            self.held[offset] = winner
            if winner.byte(offset) != loser.byte(offset):
                conflicts.append((offset, winner.byte(offset), loser.byte(offset)))
        while self.next_offset in self.held:
            self.delivered[self.next_offset] = self.held.pop(self.next_offset)
            self.next_offset += 1
        return conflicts

    def runs(self) -> int:
        """Return how many runs of contiguous offsets wait."""
        return sum(offset - 1 not in self.held for offset in self.held)

    def stream(self) -> bytes:
        """Return what was delivered."""
        return bytes(
            segment.byte(offset) for offset, segment in sorted(self.delivered.items())
        )

    def finish(self) -> list[tuple[int, bytes | int]]:
        """Return what is left, in order: bytes, or the length of a hole."""
        left: list[tuple[int, bytes | int]] = []
        at = self.next_offset
        for offset in sorted(self.held):
            if offset > at:
                left.append((at, offset - at))
                at = offset
            byte = bytes([self.held[offset].byte(offset)])
            if left and isinstance(left[-1][1], bytes):
                left[-1] = (left[-1][0], left[-1][1] + byte)
            else:
                left.append((offset, byte))
            at = offset + 1
        return left
