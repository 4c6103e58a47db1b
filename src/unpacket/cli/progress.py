"""A progress bar on the terminal: how much of the input was read.

It is drawn on stderr, one line that is written over and leaves nothing behind.
Whoever writes to the same terminal clears it first.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from typing import TextIO

# A run that is over sooner shows no bar.
FIRST_AFTER_S = 0.5
EVERY_S = 0.1
BAR_COLUMNS = 24
# To the start of the line, then erase to its end (ECMA-48 EL).
ERASE_LINE = "\r\x1b[K"


class Progress:
    """Draws a line at most every tenth of a second."""

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal
        self._started_s = time.monotonic()
        self._next_s = self._started_s + FIRST_AFTER_S
        self._drawn = False

    def update(self, read: int, total: int | None) -> None:
        """Draw that ``read`` bytes of ``total`` were read, if it is time to."""
        now_s = time.monotonic()
        if now_s < self._next_s or not total:
            return
        self._next_s = now_s + EVERY_S
        line = described(min(read, total), total, now_s - self._started_s)
        columns = os.get_terminal_size(self._terminal.fileno()).columns
        self._write(ERASE_LINE + line[: columns - 1])
        self._drawn = True

    def clear(self) -> None:
        """Take the line away, until the next update."""
        if self._drawn:
            self._drawn = False
            self._write(ERASE_LINE)

    def _write(self, text: str) -> None:
        self._terminal.write(text)
        self._terminal.flush()


def wants_progress(asked: bool | None) -> bool:
    """Return whether to draw; None asks for a guess.

    Behind a pipe there may be a pager, which has the terminal for itself.
    """
    if sys.stderr is None or not sys.stderr.isatty() or asked is False:
        return False
    if os.environ.get("TERM") == "dumb":
        return False
    return asked is True or sys.stdout is None or not is_pipe(sys.stdout)


def is_pipe(file: TextIO) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(file.fileno()).st_mode)
    except OSError:
        return False


def described(read: int, total: int, passed_s: float) -> str:
    """Return the line of a progress bar."""
    done = read * BAR_COLUMNS // total
    bar = "#" * done + "." * (BAR_COLUMNS - done)
    rate = read / passed_s
    left_s = round((total - read) / rate) if rate else 0
    return (
        f"[{bar}] {100 * read // total:3} %  {read / 1e6:.0f} of {total / 1e6:.0f} MB"
        f"  {rate / 1e6:.0f} MB/s  {left_s // 60}:{left_s % 60:02} left"
    )
