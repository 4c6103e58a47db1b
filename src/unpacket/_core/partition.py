"""Frames sorted by the stream that they belong to, as blocks of pcapng files.

Most frames only have to be copied. They are put aside here; those about which there
is something to say are left to who asked, one at a time and in order.
"""

from unpacket._core import inline_blocks as native
from unpacket._core import inline_fill as filling
from unpacket._core.batch import Batch

# What a block costs beside its bytes: its object, its place in a list.
BLOCK_COST = 80

# A block is as long as all before it that wait, so that they are few; up to this.
LONGEST_BLOCK = 1 << 18


class Part:
    """What waits of the file of one stream.

    Attributes:
        left: How many of the stream's frames have not come yet.
        link_type: That of the file's first interface, or -1 before it has one.
        waiting_bytes: What the next bytes of the file cost.
    """

    __slots__ = ("full", "left", "link_type", "size", "tail", "used", "waiting_bytes")

    full: list[bytearray]
    tail: bytearray | None

    def __init__(self, left: int) -> None:
        self.left = left
        self.link_type = -1
        self.full = []
        self.tail = None
        self.used = 0
        self.size = 0
        self.waiting_bytes = 0

    def add(self, data: bytes) -> None:
        """Add the next bytes."""
        length = len(data)
        filling.fill_bytes(self.room(length), self.used, data, 0, length)
        self.used += length

    def add_frame(self, batch: Batch, i: int) -> None:
        """Add the block of frame ``i``, of the file's first interface."""
        length = native.block_bytes(batch, i)
        native.put_block(self.room(length), self.used, batch, i)
        self.used += length

    def room(self, length: int) -> bytearray:
        """Return the last block, which has room for so many bytes behind the others."""
        tail = self.tail
        if tail is None or self.size - self.used < length:
            self.end_block()
            self.size = max(length, min(self.waiting_bytes, LONGEST_BLOCK))
            tail = filling.block(self.size)
            self.tail = tail
            self.used = 0
            self.waiting_bytes += self.size + BLOCK_COST
        return tail

    def end_block(self) -> None:
        """Let there be no last block that has room."""
        if self.tail is not None:
            filling.cut(self.tail, self.used)
            self.full.append(self.tail)
            self.tail = None

    def take(self) -> list[bytearray]:
        """Return what waits, in some blocks; it then waits no more."""
        self.end_block()
        blocks = self.full
        self.full = []
        self.waiting_bytes = 0
        return blocks


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

    __slots__ = ("at", "batch", "frames", "ids", "parts", "told")

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
            part.add_frame(batch, i)
            part.left -= 1
        return -1
