"""Frames sorted by the stream that they belong to, as blocks of pcapng files.

Most frames only have to be copied. They are put aside here; those about which there
is something to say are left to who asked, one at a time and in order.
"""

from unpacket._core import inline_blocks as native
from unpacket._core.batch import Batch
from unpacket._core.growing import Growing

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
        told: Numbers of frames that must not be put aside.

    Attributes:
        at: The row of ``frames`` that is next.
    """

    __slots__ = ("at", "batch", "block", "frames", "ids", "parts", "told")

    batch: Batch | None
    parts: list[Part | None]
    told: set[int]

    def __init__(
        self,
        frames: "memoryview[int]",
        ids: "memoryview[int]",
        parts: list[Part | None],
        told: set[int],
    ) -> None:
        self.frames = frames
        self.ids = ids
        self.parts = parts
        self.told = told
        self.at = 0
        self.batch = None
        self.block = bytearray(FIRST_BYTES)

    def begin(self, batch: Batch) -> None:
        """Take the next batch, for ``next`` to work off."""
        self.batch = batch

    def next(self) -> int:
        """Put frames aside, then return the row of the first that cannot be.

        That are the first and the last of each stream, those that are told of, and
        those of another link type or from before 1970. -1 says that the batch is done.
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
                or part.left == 1
                or part.link_type != batch.link_type[i]
                or batch.time_ns[i] < 0
                or number in self.told
            ):
                return row
            length = native.block_bytes(batch, i)
            if length > len(self.block):
                self.block = bytearray(2 * length)
            native.put_block(self.block, 0, batch, i)
            part.growing.extend_block(part.number, self.block, length)
            part.left -= 1
        return -1
