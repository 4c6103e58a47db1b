"""Sequences of bytes that grow, many at one time, in blocks of a few sizes.

A sequence is a number. Its blocks are linked, and are anybody's once it has ended: so
what many streams say costs no memory of the system's for each of them. Its first block
is small and its second one larger, since most of many streams say little.
"""

from array import array

from unpacket._core.constants import NONE
from unpacket._core.memory.batch import Batch
from unpacket._core.memory.pages import space
from unpacket._core.native import fill as native
from unpacket._core.native import memory

# Blocks are counted in units, and a block's number is that of its first unit. With
# large ones of 512 bytes a capture of the web took a fifth more time.
UNIT_SHIFT = 7
SMALL, MIDDLE, LARGE = 0, 1, 2
SMALL_BYTES = 128
MIDDLE_BYTES = 512
LARGE_BYTES = 2048
IN_LARGE = LARGE_BYTES - 1
LARGE_UNITS = LARGE_BYTES >> UNIT_SHIFT
# From which byte of a sequence on its blocks are of that size.
MIDDLE_FROM = SMALL_BYTES
LARGE_FROM = SMALL_BYTES + MIDDLE_BYTES
FIRST_UNITS = 16 * LARGE_UNITS

# What is known of a sequence: its first and its last block, how many bytes it ever had
# since it was empty, and how many of them were drawn. Of one that has ended the first
# number is the next one that has.
FIRST, LAST, LENGTH, DRAWN, CHAIN_WORDS = 0, 1, 2, 3, 4
# What that takes, and whatever the caller has of it.
CHAIN_COST = 96
FIRST_CHAINS = 64


class Growing:
    """The sequences, and the blocks that they are in.

    Args:
        expected_bytes: How much room there is before all has to move to where there is
            more. Most systems take memory for it only as it is needed.

    Attributes:
        waiting_bytes: What all sequences take.
        at: Where in memory the next bytes can be put, see ``room``.
    """

    __slots__ = (
        "at",
        "chains",
        "data",
        "ended",
        "following",
        "free",
        "used_chains",
        "used_units",
        "waiting_bytes",
    )

    data: "memoryview[int]"
    # What follows each block: of those that nobody has, the next one of their size.
    following: "memoryview[int]"
    # The first block that nobody has of each size, or NONE.
    free: "memoryview[int]"
    chains: "memoryview[int]"

    def __init__(self, expected_bytes: int = 0) -> None:
        self.at = 0
        self.free = memoryview(array("q", [NONE] * 3))
        self.used_units = 0
        self.resize(max(FIRST_UNITS, expected_bytes >> UNIT_SHIFT))
        self.chains = memoryview(array("q", bytes(8 * CHAIN_WORDS * FIRST_CHAINS)))
        self.ended = NONE
        self.used_chains = 0
        self.waiting_bytes = 0

    def begin(self) -> int:
        """Return the number of a new sequence, which has no bytes."""
        number = self.ended
        if number != NONE:
            self.ended = self.chains[CHAIN_WORDS * number]
        else:
            number = self.used_chains
            if CHAIN_WORDS * number == len(self.chains):
                self.chains = memoryview(array("q", bytes(self.chains) * 2))
            self.used_chains += 1
        row = CHAIN_WORDS * number
        self.chains[row + FIRST] = NONE
        self.chains[row + LAST] = NONE
        self.chains[row + LENGTH] = 0
        self.chains[row + DRAWN] = 0
        self.waiting_bytes += CHAIN_COST
        return number

    def length(self, number: int) -> int:
        """Return how long a sequence is, without what was drawn."""
        row = CHAIN_WORDS * number
        return self.chains[row + LENGTH] - self.chains[row + DRAWN]

    def cost(self, number: int) -> int:
        """Return what a sequence adds to ``waiting_bytes``."""
        row = CHAIN_WORDS * number
        length = self.chains[row + LENGTH]
        if length > LARGE_FROM:
            length += LARGE_FROM - length & IN_LARGE
        elif length > MIDDLE_FROM:
            length = LARGE_FROM
        elif length:
            length = MIDDLE_FROM
        # Whole blocks were drawn.
        return length - self.chains[row + DRAWN] + CHAIN_COST

    def extend(self, number: int, batch: Batch, start: int, length: int) -> None:
        """Add bytes of the batch's buffer to a sequence.

        Raises:
            IndexError: The buffer does not have them.
        """
        stop = start + length
        while start < stop:
            count = self.room(number, stop - start)
            native.fill(self.data, self.at, batch, start, count)
            self.chains[CHAIN_WORDS * number + LENGTH] += count
            start += count

    def extend_bytes(self, number: int, data: bytes) -> None:
        """Add bytes to a sequence."""
        start = 0
        stop = len(data)
        while start < stop:
            count = self.room(number, stop - start)
            native.fill_bytes(self.data, self.at, data, start, count)
            self.chains[CHAIN_WORDS * number + LENGTH] += count
            start += count

    def extend_block(self, number: int, block: bytearray, length: int) -> None:
        """Add the first bytes of a block to a sequence.

        Raises:
            IndexError: It does not have them.
        """
        start = 0
        while start < length:
            count = self.room(number, length - start)
            native.fill_block(self.data, self.at, block, start, count)
            self.chains[CHAIN_WORDS * number + LENGTH] += count
            start += count

    def draw(self, number: int, target: bytearray) -> int:
        """Move the first bytes of a sequence to the front of ``target``.

        Those of so many whole blocks as it has room for, or all.

        Returns:
            How many bytes that are.
        """
        row = CHAIN_WORDS * number
        length = self.chains[row + LENGTH]
        drawn = self.chains[row + DRAWN]
        block = self.chains[row + FIRST]
        moved = 0
        while drawn < length:
            size = size_at(drawn)
            count = min(length - drawn, size_bytes(size))
            if count > len(target) - moved:
                break
            following = self.following[block]
            drawn += count
            if drawn < length:
                ahead = min(length - drawn, size_bytes(size_at(drawn)))
                memory.prefetch_block(self.data, following << UNIT_SHIFT, ahead)
            native.move(target, moved, self.data, block << UNIT_SHIFT, count)
            self.give_back(block, size)
            block = following
            moved += count
        if drawn == length:
            drawn = length = 0
        self.chains[row + FIRST] = block
        self.chains[row + LENGTH] = length
        self.chains[row + DRAWN] = drawn
        return moved

    def end(self, number: int) -> None:
        """Let there be no such sequence."""
        row = CHAIN_WORDS * number
        drawn = self.chains[row + DRAWN]
        block = self.chains[row + FIRST]
        while drawn < self.chains[row + LENGTH]:
            size = size_at(drawn)
            following = self.following[block]
            self.give_back(block, size)
            block = following
            drawn += size_bytes(size)
        self.chains[row] = self.ended
        self.ended = number
        self.waiting_bytes -= CHAIN_COST

    def room(self, number: int, length: int) -> int:
        """Return how many of the next bytes of a sequence can follow at ``at``.

        Those for which its last block has room, or a new one if that is full.
        """
        row = CHAIN_WORDS * number
        before = self.chains[row + LENGTH]
        size = size_at(before)
        if size == LARGE:
            used = before - LARGE_FROM & IN_LARGE
        else:
            used = before - MIDDLE_FROM if size == MIDDLE else before
        if not used:
            block = self.take(size)
            if before:
                self.following[self.chains[row + LAST]] = block
            else:
                self.chains[row + FIRST] = block
            self.chains[row + LAST] = block
        self.at = (self.chains[row + LAST] << UNIT_SHIFT) + used
        return min(length, size_bytes(size) - used)

    def take(self, size: int) -> int:
        """Return a block that nobody has."""
        self.waiting_bytes += size_bytes(size)
        block = self.free[size]
        if block != NONE:
            self.free[size] = self.following[block]
            return block
        # What is large is used for smaller ones, and stays so.
        block = self.free[LARGE]
        if block != NONE:
            self.free[LARGE] = self.following[block]
        else:
            block = self.used_units
            if block == len(self.following):
                self.resize(2 * block)
            self.used_units += LARGE_UNITS
        units = size_bytes(size) >> UNIT_SHIFT
        for rest in range(block + units, block + LARGE_UNITS, units):
            self.following[rest] = self.free[size]
            self.free[size] = rest
        return block

    def give_back(self, block: int, size: int) -> None:
        """Let others have a block."""
        self.following[block] = self.free[size]
        self.free[size] = block
        self.waiting_bytes -= size_bytes(size)

    def resize(self, units: int) -> None:
        """Move to memory for so many units, at least; large blocks fill it."""
        units += -units % LARGE_UNITS
        data = memoryview(space(units << UNIT_SHIFT, True))
        following = memoryview(space(4 * units)).cast("i")
        if self.used_units:
            used = self.used_units << UNIT_SHIFT
            data[:used] = memoryview(self.data)[:used]
            following[: self.used_units] = memoryview(self.following)
        self.data = data
        self.following = following


def size_at(length: int) -> int:
    """Return of which size the block is that has the byte behind so many."""
    if length >= LARGE_FROM:
        return LARGE
    return MIDDLE if length >= MIDDLE_FROM else SMALL


def size_bytes(size: int) -> int:
    """Return how many bytes a block has."""
    if size == LARGE:
        return LARGE_BYTES
    return MIDDLE_BYTES if size == MIDDLE else SMALL_BYTES
