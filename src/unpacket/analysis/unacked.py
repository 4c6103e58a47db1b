"""Segments that were sent and not acknowledged yet, of all halves in one memory.

Each half has a list in the order of sending. While that is also the order of sequence
numbers, an acknowledgement takes segments from the front, and what is in flight is the
distance between the two ends; only behind a loss is the list walked.
"""

from unpacket._core.constants import HALF32, LOW32
from unpacket.analysis.constants import END_OF_LIST, MOST_NODES, MOST_UNACKED

# Words of a node, and of a list.
SEQ, END, TIME_NS, FRAME, NEXT, NODE_WORDS = range(6)
HEAD, TAIL, COUNT, IS_SORTED, LOW, HIGH, LIST_WORDS = range(7)
FIRST_ROOM = 1024


class Unacked:
    """The lists of all halves, by the number of the half.

    Attributes:
        acked_frame: Of the last ``acknowledge``, the frame that the acknowledgement
            was for; 0 if it was for none.
        acked_ns: When that was sent.
        is_partial: Whether it ended inside a segment.
    """

    __slots__ = (
        "_free",
        "_halves",
        "_lists",
        "_nodes",
        "_next",
        "acked_frame",
        "acked_ns",
        "is_partial",
    )

    def __init__(self) -> None:
        self._nodes = memoryview(bytearray(8 * NODE_WORDS * FIRST_ROOM)).cast("q")
        self._lists = memoryview(bytearray(8 * LIST_WORDS * FIRST_ROOM)).cast("q")
        self._free = END_OF_LIST
        self._halves = 0
        self._next = 0
        self._link_free(0, FIRST_ROOM)
        self.acked_frame = 0
        self.acked_ns = 0
        self.is_partial = False

    def begin(self, half: int) -> None:
        """Let a half, of which nothing was kept, have an empty list."""
        at = half * LIST_WORDS
        while at + LIST_WORDS > len(self._lists):
            self._lists = twice(self._lists)
        self._halves = max(self._halves, half + 1)
        self._lists[at + HEAD] = END_OF_LIST
        self._lists[at + TAIL] = END_OF_LIST
        self._lists[at + COUNT] = 0
        self._lists[at + IS_SORTED] = 1

    def release(self, half: int) -> None:
        """Forget what a half has sent."""
        at = half * LIST_WORDS
        head = self._lists[at + HEAD]
        if head != END_OF_LIST:
            tail = self._lists[at + TAIL]
            self._nodes[tail * NODE_WORDS + NEXT] = self._free
            self._free = head
        self.begin(half)

    def _reclaim(self, half: int) -> bool:
        """Forget what the half that is next in turn has sent, but for one of them.

        Returns:
            Whether there was anything.
        """
        for _ in range(self._halves):
            other = self._next
            self._next = (other + 1) % self._halves
            if other != half and self._lists[other * LIST_WORDS + COUNT]:
                self.release(other)
                return True
        return False

    def count(self, half: int) -> int:
        """Return how many segments of a half wait."""
        return self._lists[half * LIST_WORDS + COUNT]

    def oldest(self, half: int) -> int:
        """Return the place of the segment that waits longest, or END_OF_LIST."""
        return self._lists[half * LIST_WORDS + HEAD]

    def frame_of(self, node: int) -> int:
        """Return the frame of a segment."""
        return self._nodes[node * NODE_WORDS + FRAME]

    def time_of(self, node: int) -> int:
        """Return when a segment was captured."""
        return self._nodes[node * NODE_WORDS + TIME_NS]

    def add(
        self, half: int, base: int, seq: int, end: int, time_ns: int, frame: int
    ) -> bool:
        """Add a segment that was sent; return whether there was room.

        Args:
            base: What both sequence numbers are counted from.
        """
        at = half * LIST_WORDS
        lists = self._lists
        if lists[at + COUNT] >= MOST_UNACKED:
            return False
        if self._free == END_OF_LIST:
            room = len(self._nodes) // NODE_WORDS
            if room < MOST_NODES:
                self._nodes = twice(self._nodes)
                self._link_free(room, 2 * room)
            elif not self._reclaim(half):
                return False
        nodes = self._nodes
        node = self._free
        place = node * NODE_WORDS
        self._free = nodes[place + NEXT]
        nodes[place + SEQ] = seq
        nodes[place + END] = end
        nodes[place + TIME_NS] = time_ns
        nodes[place + FRAME] = frame
        nodes[place + NEXT] = END_OF_LIST
        low = (seq - base) & LOW32
        high = (end - base) & LOW32
        if lists[at + COUNT] == 0:
            lists[at + HEAD] = node
            lists[at + LOW] = low
            lists[at + HIGH] = high
            lists[at + IS_SORTED] = low <= high <= low + HALF32
        else:
            nodes[lists[at + TAIL] * NODE_WORDS + NEXT] = node
            if not lists[at + HIGH] <= low <= high <= lists[at + LOW] + HALF32:
                lists[at + IS_SORTED] = 0
            lists[at + LOW] = min(low, lists[at + LOW])
            lists[at + HIGH] = max(high, lists[at + HIGH])
        lists[at + TAIL] = node
        lists[at + COUNT] += 1
        return True

    def in_flight(self, half: int) -> int:
        """Return how far it is from the lowest byte that waits to the highest."""
        at = half * LIST_WORDS
        return (self._lists[at + HIGH] - self._lists[at + LOW]) & LOW32

    def acknowledge(self, half: int, base: int, ack: int) -> None:
        """Drop what an acknowledgement covers, and note what it was for."""
        self.acked_frame = 0
        self.is_partial = False
        at = half * LIST_WORDS
        lists = self._lists
        nodes = self._nodes
        before = END_OF_LIST
        node = lists[at + HEAD]
        changed = False
        while node != END_OF_LIST:
            place = node * NODE_WORDS
            seq = nodes[place + SEQ]
            end = nodes[place + END]
            following = nodes[place + NEXT]
            is_past = (end - ack) & LOW32
            if is_past and is_past <= HALF32:
                # It ends behind the acknowledgement.
                inside = (ack - seq) & LOW32
                if inside and inside <= HALF32:
                    nodes[place + SEQ] = ack
                    self.is_partial = True
                    changed = True
                    if not self.acked_frame:
                        self.acked_ns = nodes[place + TIME_NS]
                if lists[at + IS_SORTED]:
                    break
                before = node
                node = following
                continue
            if end == ack and not self.acked_frame:
                self.acked_frame = nodes[place + FRAME]
                self.acked_ns = nodes[place + TIME_NS]
            if before == END_OF_LIST:
                lists[at + HEAD] = following
            else:
                nodes[before * NODE_WORDS + NEXT] = following
            if following == END_OF_LIST:
                lists[at + TAIL] = before
            nodes[place + NEXT] = self._free
            self._free = node
            lists[at + COUNT] -= 1
            changed = True
            node = following
        if changed:
            self.measure(half, base)

    def has(self, half: int, seq: int, end: int) -> bool:
        """Return whether a segment that waits has all of a range."""
        node = self._lists[half * LIST_WORDS + HEAD]
        while node != END_OF_LIST:
            place = node * NODE_WORDS
            before = (seq - self._nodes[place + SEQ]) & LOW32
            after = (self._nodes[place + END] - end) & LOW32
            if before < HALF32 and after < HALF32:
                return True
            node = self._nodes[place + NEXT]
        return False

    def oldest_from(self, half: int, seq: int) -> int:
        """Return the place of the oldest segment that begins at ``seq`` or behind."""
        node = self._lists[half * LIST_WORDS + HEAD]
        while node != END_OF_LIST:
            place = node * NODE_WORDS
            if ((self._nodes[place + SEQ] - seq) & LOW32) < HALF32:
                return node
            node = self._nodes[place + NEXT]
        return END_OF_LIST

    def contiguous_end(self, half: int, ack: int) -> int:
        """Return the end of what waits without a hole from the one around ``ack``."""
        end = ack
        node = self._lists[half * LIST_WORDS + HEAD]
        while node != END_OF_LIST:
            place = node * NODE_WORDS
            starts = (end - self._nodes[place + SEQ]) & LOW32
            ends = (self._nodes[place + END] - end) & LOW32
            if starts < HALF32 and 0 < ends < HALF32:
                end = self._nodes[place + END]
            node = self._nodes[place + NEXT]
        return end

    def measure(self, half: int, base: int) -> None:
        """Find out anew from where to where it reaches that waits."""
        at = half * LIST_WORDS
        lists = self._lists
        nodes = self._nodes
        node = lists[at + HEAD]
        if node == END_OF_LIST:
            lists[at + IS_SORTED] = 1
            return
        if lists[at + IS_SORTED]:
            lists[at + LOW] = (nodes[node * NODE_WORDS + SEQ] - base) & LOW32
            return
        low = LOW32
        high = 0
        in_order = True
        while node != END_OF_LIST:
            place = node * NODE_WORDS
            first = (nodes[place + SEQ] - base) & LOW32
            last = (nodes[place + END] - base) & LOW32
            if last < first or first < high:
                in_order = False
            low = min(low, first)
            high = max(high, last)
            node = nodes[place + NEXT]
        lists[at + LOW] = low
        lists[at + HIGH] = high
        lists[at + IS_SORTED] = in_order and high <= low + HALF32

    def _link_free(self, start: int, stop: int) -> None:
        """Let the nodes of a range be free."""
        for node in range(start, stop):
            self._nodes[node * NODE_WORDS + NEXT] = self._free
            self._free = node


def twice(words: "memoryview[int]") -> "memoryview[int]":
    """Return a copy with as much room again."""
    larger = memoryview(bytearray(16 * len(words))).cast("q")
    larger[: len(words)] = words
    return larger
