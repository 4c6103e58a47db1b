"""Typed memory for the streams in which nothing unusual is under way.

Most streams are such most of the time. A row of WORDS numbers, three lines of a
processor's cache, is all that their next ordinary segment reads and writes; their
halves need no object meanwhile. Which number is which stands in ``constants``.
"""

from unpacket._core.constants import KEY_OWNER, NONE, ROW_WORDS
from unpacket._core.memory.pages import Block, grown, space

FIRST_ROWS = 64
ROW_BYTES = 8 * ROW_WORDS


class Ledger:
    """Rows, handed out and given back.

    Those that nobody uses form a list: the first number of each is the next one.

    Attributes:
        signed, unsigned: The same memory, seen as either.
        rows: How many rows there are.
        used: How many of them were ever handed out.
        free: The first row that was given back, or NONE.
    """

    __slots__ = ("block", "free", "rows", "signed", "unsigned", "used")

    block: Block
    signed: "memoryview[int]"
    unsigned: "memoryview[int]"

    def __init__(self) -> None:
        self.free = NONE
        self.used = 0
        self.rows = FIRST_ROWS
        self.block = space(FIRST_ROWS * ROW_BYTES)
        self.view()

    def view(self) -> None:
        """See the memory as numbers."""
        self.signed = memoryview(self.block).cast("q")
        self.unsigned = memoryview(self.block).cast("Q")

    def grow(self) -> None:
        """Have room for twice as many rows."""
        self.rows *= 2
        size = self.rows * ROW_BYTES
        # Memory that is looked at does not grow.
        self.signed = None  # type: ignore[assignment]
        self.unsigned = None  # type: ignore[assignment]
        if not grown(self.block, size):
            old = memoryview(self.block)
            self.block = space(size)
            memoryview(self.block)[: len(old)] = old
        self.view()

    def take(self) -> int:
        """Return the number of a row that nobody uses."""
        row = self.free
        if row != NONE:
            self.free = self.signed[ROW_WORDS * row]
            return row
        if self.used == self.rows:
            self.grow()
        self.used += 1
        return self.used - 1

    def give_back(self, row: int) -> None:
        """Let others have a row; meanwhile it is nobody's."""
        self.signed[ROW_WORDS * row + KEY_OWNER] = 0
        self.signed[ROW_WORDS * row] = self.free
        self.free = row
