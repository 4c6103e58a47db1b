"""A table that is printed while its rows still come.

Columns are as wide as what was printed so far needs. The first rows may be kept
back for a better guess; without that each row is printed at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

# SGR parameters (ECMA-48).
BOLD = "1"


class Table:
    """Prints rows under a heading.

    Args:
        heading: The name of each column; one that begins with a space has its cells
            at the right.
        write: Called with each line, or with several.
        rows_ahead: How many rows are kept back at first.
        color: Whether the heading is bold.
        optional: The index of a column that is left out where the first rows have
            nothing in it; None if there is none such.
    """

    def __init__(
        self,
        heading: Sequence[str],
        write: Callable[[bytes], None],
        *,
        rows_ahead: int,
        color: bool,
        optional: int | None = None,
    ) -> None:
        self._names = [name.strip() for name in heading]
        self._at_right = [name.startswith(" ") for name in heading]
        self._widths = [len(name) for name in self._names]
        # What cells are filled into: this is called for every stream.
        self._layout = ""
        self._write = write
        self._rows_ahead = rows_ahead
        self._color = color
        self._optional = optional
        self._left_out: int | None = None
        self._kept: list[list[str]] = []
        self._begun = False

    def add(self, cells: list[str]) -> None:
        if self._left_out is not None:
            del cells[self._left_out]
        self._kept.append(cells)
        if self._begun or len(self._kept) > self._rows_ahead:
            self.flush()

    def flush(self) -> None:
        """Print the rows that were kept back, and no longer keep any back."""
        if self._optional is not None and not self._begun:
            self._leave_out(self._optional)
        widths = self._widths
        for cells in self._kept:
            widths = list(map(max, widths, map(len, cells)))
        if widths != self._widths or not self._layout:
            self._widths = widths
            self._layout = "  ".join(
                f"%{'' if at_right else '-'}{width}s"
                for width, at_right in zip(widths, self._at_right, strict=True)
            )
        lines = [self._line(cells) for cells in self._kept]
        if lines and not self._begun:
            heading = self._line(self._names)
            lines.insert(0, f"\x1b[{BOLD}m{heading}\x1b[0m" if self._color else heading)
            self._begun = True
        self._kept.clear()
        if lines:
            self._write("".join(f"{line}\n" for line in lines).encode())

    def _leave_out(self, column: int) -> None:
        """Leave a column out if no row so far has anything in it."""
        if any(cells[column] for cells in self._kept):
            return
        self._left_out = column
        del self._names[column], self._at_right[column], self._widths[column]
        for cells in self._kept:
            del cells[column]

    def _line(self, cells: Sequence[str]) -> str:
        return (self._layout % tuple(cells)).rstrip()
