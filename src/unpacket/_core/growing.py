"""Sequences of bytes that grow, many at one time, in blocks of one size.

A sequence is a number. Its blocks are linked, and are anybody's once it has ended: so
what many streams say costs no memory of the system's for each of them.
"""

from array import array

from unpacket._core import inline_fill as native
from unpacket._core import inline_memory as memory
from unpacket._core.batch import Batch
from unpacket._core.constants import NONE
from unpacket._core.ledger import space

# Half a block is empty at the end of each sequence, and each one takes a copy of its
# own; both matter where there are many short ones.
BLOCK_SHIFT = 11
BLOCK_BYTES = 1 << BLOCK_SHIFT
IN_BLOCK = BLOCK_BYTES - 1
FIRST_BLOCKS = 64

# What is known of a sequence: its first and its last block, and how long it is. Of
# one that has ended the first number is the next one that has.
FIRST, LAST, LENGTH, CHAIN_WORDS = 0, 1, 2, 4
# What that takes, and whatever the caller has of it.
CHAIN_COST = 96
FIRST_CHAINS = 64


class Growing:
    """The sequences, and the blocks that they are in.

    Args:
        expected_bytes: How much room there is before all has to move to where there is
            more. Most systems take memory for it only as it is needed.

    Attributes:
        waiting_bytes: What the blocks of all sequences take.
    """

    __slots__ = (
        "blocks",
        "chains",
        "data",
        "ended",
        "following",
        "free",
        "used_blocks",
        "used_chains",
        "waiting_bytes",
    )

    data: "memoryview[int]"
    # What follows each block: of those that nobody has, the next one of them.
    following: "memoryview[int]"
    chains: "memoryview[int]"

    def __init__(self, expected_bytes: int = 0) -> None:
        self.free = NONE
        self.used_blocks = 0
        self.resize(max(FIRST_BLOCKS, expected_bytes >> BLOCK_SHIFT))
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
        self.waiting_bytes += CHAIN_COST
        return number

    def length(self, number: int) -> int:
        """Return how long a sequence is."""
        return self.chains[CHAIN_WORDS * number + LENGTH]

    def cost(self, number: int) -> int:
        """Return what a sequence adds to ``waiting_bytes``."""
        blocks = (self.length(number) + IN_BLOCK) >> BLOCK_SHIFT
        return (blocks << BLOCK_SHIFT) + CHAIN_COST

    def extend(self, number: int, batch: Batch, start: int, length: int) -> None:
        """Add bytes of the batch's buffer to a sequence.

        Raises:
            IndexError: The buffer does not have them.
        """
        while length:
            at = self.last(number) << BLOCK_SHIFT
            used = self.length(number) & IN_BLOCK
            count = min(length, BLOCK_BYTES - used)
            native.fill(self.data, at + used, batch, start, count)
            self.chains[CHAIN_WORDS * number + LENGTH] += count
            start += count
            length -= count

    def extend_bytes(self, number: int, data: bytes) -> None:
        """Add bytes to a sequence."""
        start = 0
        length = len(data)
        while start < length:
            at = self.last(number) << BLOCK_SHIFT
            used = self.length(number) & IN_BLOCK
            count = min(length - start, BLOCK_BYTES - used)
            native.fill_bytes(self.data, at + used, data, start, count)
            self.chains[CHAIN_WORDS * number + LENGTH] += count
            start += count

    def extend_block(self, number: int, block: bytearray, length: int) -> None:
        """Add the first bytes of a block to a sequence."""
        start = 0
        while start < length:
            at = self.last(number) << BLOCK_SHIFT
            used = self.length(number) & IN_BLOCK
            count = min(length - start, BLOCK_BYTES - used)
            native.fill_block(self.data, at + used, block, start, count)
            self.chains[CHAIN_WORDS * number + LENGTH] += count
            start += count

    def draw(self, number: int, target: bytearray) -> int:
        """Move the first bytes of a sequence to the front of ``target``.

        Those of so many whole blocks as it has room for, or all.

        Returns:
            How many bytes that are.
        """
        row = CHAIN_WORDS * number
        moved = 0
        left = self.length(number)
        while left:
            count = min(left, BLOCK_BYTES)
            if count > len(target) - moved:
                break
            block = int(self.chains[row + FIRST])
            following = int(self.following[block])
            if left > BLOCK_BYTES:
                memory.prefetch_block(self.data, following << BLOCK_SHIFT, BLOCK_BYTES)
            native.move(target, moved, self.data, block << BLOCK_SHIFT, count)
            self.chains[row + FIRST] = following
            self.give_back(block)
            moved += count
            left -= count
        self.chains[row + LENGTH] = left
        return moved

    def end(self, number: int) -> None:
        """Let there be no such sequence."""
        row = CHAIN_WORDS * number
        left = self.length(number)
        block = int(self.chains[row + FIRST])
        while left > 0:
            following = int(self.following[block])
            self.give_back(block)
            block = following
            left -= BLOCK_BYTES
        self.chains[row] = self.ended
        self.ended = number
        self.waiting_bytes -= CHAIN_COST

    def last(self, number: int) -> int:
        """Return the last block of a sequence, a new one if that is full."""
        row = CHAIN_WORDS * number
        block = int(self.chains[row + LAST])
        if self.length(number) & IN_BLOCK:
            return block
        fresh = self.free
        if fresh != NONE:
            self.free = self.following[fresh]
        else:
            fresh = self.used_blocks
            if fresh == len(self.following):
                self.resize(2 * fresh)
            self.used_blocks += 1
        if self.length(number):
            self.following[block] = fresh
        else:
            self.chains[row + FIRST] = fresh
        self.chains[row + LAST] = fresh
        self.waiting_bytes += BLOCK_BYTES
        return fresh

    def give_back(self, block: int) -> None:
        """Let others have a block."""
        self.following[block] = self.free
        self.free = block
        self.waiting_bytes -= BLOCK_BYTES

    def resize(self, blocks: int) -> None:
        """Move to memory for so many blocks."""
        data = memoryview(space(blocks << BLOCK_SHIFT))
        following = memoryview(array("i", bytes(4 * blocks)))
        if self.used_blocks:
            used = self.used_blocks << BLOCK_SHIFT
            data[:used] = memoryview(self.data)[:used]
            following[: self.used_blocks] = memoryview(self.following)
        self.data = data
        self.following = following
