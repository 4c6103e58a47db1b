"""Several sequences of frames as one, in the order of their times.

Each sequence has a slot, and in it a batch at a time. Those slots that have frames
left are in a heap, ordered by the time of the next frame and then by their number: so
frames that were seen at the same time come in the order of slots, and the frames of
one slot in their own order, whatever their times are.
"""

from array import array

from unpacket._core.memory.batch import Batch
from unpacket.sources.native import frames as native

# What `merge` returns where it does not ask for the next batch of a slot.
FULL = -1
NOTHING = -2

# In ``Batch.interface``: the slot above the number that a capture may have at most.
SLOT_SHIFT = 16
SLOT_MASK = (1 << 15) - 1


class Merger:
    """Takes the frames of batches in the order of time.

    Attributes:
        slots, numbers: For each frame that the last call of ``merge`` gave, where it
            came from, and its number there.
        next_bytes: How long the frame is that did not fit any more.
    """

    __slots__ = (
        "_batches",
        "_head_ns",
        "_heap",
        "_place",
        "_size",
        "next_bytes",
        "numbers",
        "slots",
    )

    def __init__(self, slots: int, capacity: int) -> None:
        self._batches: list[Batch | None] = [None] * slots
        self._head_ns = array("q", bytes(8 * slots))
        self._place = array("q", bytes(8 * slots))
        self._heap = array("q", bytes(8 * slots))
        self._size = 0
        self.slots = array("q", bytes(8 * capacity))
        self.numbers = array("q", bytes(8 * capacity))
        self.next_bytes = 0

    def expect(self, slot: int, time_ns: int) -> None:
        """Ask for the first batch of a slot, which has none, when it is time to."""
        self._head_ns[slot] = time_ns
        self._place[slot] = 0
        self._heap[self._size] = slot
        self._size += 1
        self._rise(self._size - 1)

    def give(self, slot: int, batch: Batch) -> None:
        """Take the next batch of a slot, which has none; there is a frame in it."""
        self._batches[slot] = batch
        self.expect(slot, batch.time_ns[0])

    def merge(self, batch: Batch) -> int:
        """Add frames to ``batch``, behind its used bytes, a bytearray's.

        Returns:
            The number of a slot that has to be given its next batch, if there is one;
            FULL if there is no room for the next frame; NOTHING if no slot has any.
        """
        count = batch.count
        used = batch.used_bytes
        stop = len(batch.buffer)
        wanted = NOTHING
        batch.begin_interfaces()
        while self._size > 0:
            slot = self._heap[0]
            given = self._batches[slot]
            if given is None:
                self._leave()
                wanted = slot
                break
            place = self._place[slot]
            captured = given.captured[place]
            if count == batch.capacity or captured > stop - used:
                self.next_bytes = captured
                wanted = FULL
                break
            native.copy(batch, used, given, given.start[place], captured)
            batch.start[count] = used
            batch.captured[count] = captured
            batch.original[count] = given.original[place]
            batch.time_ns[count] = given.time_ns[place]
            batch.link_type[count] = given.link_type[place]
            # Each sequence has interfaces of its own.
            interface = given.interface[place] if given.has_interfaces else 0
            batch.interface[count] = (slot & SLOT_MASK) << SLOT_SHIFT | interface
            if given.has_flags and not batch.has_flags:
                batch.count = count
                batch.begin_flags()
            if batch.has_flags:
                batch.flags[count] = given.flags[place] if given.has_flags else 0
            self.slots[count] = slot
            self.numbers[count] = given.first_number + place
            count += 1
            used += captured
            place += 1
            if place == given.count:
                self._batches[slot] = None
                self._leave()
                wanted = slot
                break
            self._place[slot] = place
            self._head_ns[slot] = given.time_ns[place]
            self._sink()
        batch.count = count
        batch.used_bytes = used
        return wanted

    def _before(self, one: int, other: int) -> bool:
        one_ns = self._head_ns[one]
        other_ns = self._head_ns[other]
        return one_ns < other_ns or (one_ns == other_ns and one < other)

    def _leave(self) -> None:
        """Take the first slot out of the heap."""
        self._size -= 1
        self._heap[0] = self._heap[self._size]
        self._sink()

    def _sink(self) -> None:
        """Put the first slot where it belongs, now that its time is later."""
        at = 0
        slot = self._heap[0]
        child = 1
        while child < self._size:
            if child + 1 < self._size and self._before(
                self._heap[child + 1], self._heap[child]
            ):
                child += 1
            if not self._before(self._heap[child], slot):
                break
            self._heap[at] = self._heap[child]
            at = child
            child = 2 * at + 1
        self._heap[at] = slot

    def _rise(self, at: int) -> None:
        """Put a slot at the end of the heap where it belongs."""
        slot = self._heap[at]
        while at > 0:
            above = (at - 1) // 2
            if not self._before(slot, self._heap[above]):
                break
            self._heap[at] = self._heap[above]
            at = above
        self._heap[at] = slot
