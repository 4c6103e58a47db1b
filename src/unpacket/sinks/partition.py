"""Frames sorted by the stream that they belong to, as blocks of pcapng files.

Most frames only have to be copied, some with a comment. They are put aside here; those
that take more than that are left to who asked, one at a time and in order.
"""

from array import array
from collections.abc import Callable

from unpacket._core.memory.batch import Batch
from unpacket._core.memory.byte_chains import Growing
from unpacket.sinks.native import blocks as native

# A frame and its block at first; room is made for longer ones.
FIRST_BYTES = 1 << 16


class Part:
    """What waits of the file of one stream.

    Attributes:
        left: How many of the stream's frames have not come yet.
        link_type: That of the file's first interface, or -1 before it has one.
        growing: Where its bytes wait.
        number: Which sequence they are there.
    """

    __slots__ = ("growing", "left", "link_type", "number")

    def __init__(self, growing: Growing, left: int) -> None:
        self.growing = growing
        self.number = growing.begin()
        self.left = left
        self.link_type = -1

    def add_frame(
        self, batch: Batch, i: int, options: bytes, block: bytearray
    ) -> bytearray:
        """Add the block of frame ``i``, of the file's first interface.

        Args:
            options: As they stand in a block.
            block: Where it is put together.

        Returns:
            That, or a longer one where it was too short.
        """
        length = native.block_bytes(batch, i) + len(options)
        if length > len(block):
            block = bytearray(2 * length)
        native.put_block(block, 0, batch, i, options)
        self.growing.extend_block(self.number, block, length)
        self.left -= 1
        return block

    def add(self, data: bytes) -> None:
        """Add the next bytes."""
        self.growing.extend_bytes(self.number, data)

    def take(self, target: bytearray) -> int:
        """Move the first bytes to ``target``, and return how many; 0 if none wait."""
        return self.growing.draw(self.number, target)

    def length(self) -> int:
        """Return how many bytes wait."""
        return self.growing.length(self.number)

    def cost(self) -> int:
        """Return what the bytes that wait take."""
        return self.growing.cost(self.number)

    def end(self) -> None:
        """Let there be no more."""
        self.growing.end(self.number)


class Partition:
    """Goes through batches, frame by frame.

    Args:
        frames: The numbers of the frames that are wanted, in their order.
        ids: The id of the stream of each.
        parts: The part of each stream by its id, None before the first frame and
            after the last.
        told: Numbers of frames about which there is something to say, in their order.
        say: Returns the options for the block of such a frame, by its number and the
            id of the stream, as they stand there.

    Attributes:
        at: The row of ``frames`` that is next.
    """

    __slots__ = (
        "at",
        "batch",
        "block",
        "frames",
        "ids",
        "parts",
        "say",
        "told",
        "told_at",
    )

    batch: Batch | None
    parts: list[Part | None]

    def __init__(
        self,
        frames: "memoryview[int]",
        ids: "memoryview[int]",
        parts: list[Part | None],
        told: "memoryview[int]",
        say: Callable[[int, int], bytes],
    ) -> None:
        self.frames = frames
        self.ids = ids
        self.parts = parts
        self.told = told
        self.told_at = 0
        self.say = say
        self.at = 0
        self.batch = None
        self.block = bytearray(FIRST_BYTES)

    def begin(self, batch: Batch) -> None:
        """Take the next batch, for ``next`` to work off."""
        self.batch = batch

    def next(self) -> int:
        """Put frames aside, up to one that is last of its stream or cannot be.

        That are the first of each stream, and those of another link type or from
        before 1970.

        Returns:
            The row of that frame; of the last of a stream, which was put aside, if its
            part has none left. -1 says that the batch is done.
        """
        # There is one: `begin` was called.
        batch: Batch = self.batch  # type: ignore[assignment]
        first = batch.first_number
        stop = first + batch.count
        count = len(self.frames)
        while self.at < count:
            number = self.frames[self.at]
            if number >= stop:
                break
            i = number - first
            row = self.at
            self.at += 1
            part = self.parts[self.ids[row]]
            if (
                part is None
                or part.link_type != batch.link_type[i]
                or batch.time_ns[i] < 0
            ):
                return row
            options = self.say(number, self.ids[row]) if self.is_told(number) else b""
            self.block = part.add_frame(batch, i, options, self.block)
            if part.left == 0:
                return row
        return -1

    def is_told(self, number: int) -> bool:
        """Return whether a frame is told of, of those from the last question on."""
        while self.told_at < len(self.told) and self.told[self.told_at] < number:
            self.told_at += 1
        return self.told_at < len(self.told) and self.told[self.told_at] == number


def increasing(numbers: "memoryview[int]") -> bool:
    """Return whether each number is greater than the one before it."""
    for at in range(1, len(numbers)):
        if numbers[at] <= numbers[at - 1]:
            return False
    return True


def counted(numbers: "memoryview[int]") -> "memoryview[int]":
    """Return how often there is each number from 0 to the greatest; none is less."""
    most = -1
    for at in range(len(numbers)):
        most = max(most, numbers[at])
    counts = memoryview(array("q", bytes(8 * (most + 1))))
    for at in range(len(numbers)):
        counts[numbers[at]] += 1
    return counts
