"""What was found of each segment of a batch, as rows of numbers."""

from unpacket.analysis.constants import COLUMN_WORDS, COLUMNS
from unpacket.analysis.unacked import twice

FIRST_ROOM = 2048


class Columns:
    """A row of COLUMN_WORDS numbers for each segment, in the order of the capture.

    Attributes:
        count: How many rows there are.
        words: Row by row, the numbers in the order of ``COLUMNS``.
    """

    __slots__ = ("count", "words")

    def __init__(self) -> None:
        self.count = 0
        self.words = memoryview(bytearray(8 * COLUMN_WORDS * FIRST_ROOM)).cast("q")

    def next_row(self) -> int:
        """Return the number of one more row, whose words hold anything."""
        if (self.count + 1) * COLUMN_WORDS > len(self.words):
            self.words = twice(self.words)
        self.count += 1
        return self.count - 1

    def clear(self) -> None:
        """Have no rows."""
        self.count = 0

    def __len__(self) -> int:
        return self.count

    def row(self, index: int) -> dict[str, int]:
        """Return a row by the names of ``COLUMNS``."""
        if not 0 <= index < self.count:
            raise IndexError(f"row {index} of {self.count}")
        at = index * COLUMN_WORDS
        return dict(zip(COLUMNS, self.words[at : at + COLUMN_WORDS], strict=True))
