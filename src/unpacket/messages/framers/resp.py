"""The values of RESP 2 and 3 (the protocol of Redis): where one ends, and what it is.

Where it ends is found without the values within: how many are still to come at each
depth is all that is kept.
"""

import re
from typing import Any

from unpacket.messages.framers.noted import MOST_ITEMS, Octets, Short, text

NUMBER = re.compile(rb"-?\d{1,18}\Z")
AGGREGATES = b"*~>"
MAPS = b"%|"
STRINGS = b"$=!;"
LINES = b"+-:_#,("
ATTRIBUTE = 0x7C
CHUNK = 0x3B
END = 0x2E

# Lines are short: what is long has its length before it.
MAX_LINE = 8192
MAX_DEPTH = 128
MAX_COUNT = 1 << 31
MAX_STRING = 1 << 40
# What stands for the count of values that come until an end.
STREAMED = -1

TYPES = {
    0x2A: "array",
    0x7E: "set",
    0x3E: "push",
    0x25: "map",
    0x7C: "attribute",
    0x24: "string",
    0x3D: "verbatim",
    0x21: "error",
    0x2B: "status",
    0x2D: "error",
    0x3A: "integer",
    0x5F: "null",
    0x23: "boolean",
    0x2C: "double",
    0x28: "big number",
}
# Summaries and facts have so many characters of a string.
MOST_STRING = 200
# Values within values are shown up to this depth.
SHOWN_DEPTH = 6


class Bad(Exception):
    """That is no value."""


class Values:
    """How much of a value is still to come.

    Attributes:
        open: How many values, at each depth; ``STREAMED`` where nobody knows.
    """

    __slots__ = ("open",)

    def __init__(self) -> None:
        self.open: list[int] = []

    def advance(self, data: bytes, start: int) -> int:
        """Return where the values end that are there, which may be behind the data.

        That is ``start`` if the first line of them is not all there.

        Raises:
            Bad: What begins at ``start`` is no value.
        """
        at = start
        while self.open and at < len(data):
            stop = data.find(b"\r\n", at, at + MAX_LINE)
            if stop < 0:
                if len(data) - at >= MAX_LINE and at == start:
                    raise Bad
                return at
            if at > start and not self.fits(data, at, stop):
                return at
            at = self.value(data, at, stop)
        return at

    def fits(self, data: bytes, at: int, stop: int) -> bool:
        """Return whether a line begins a value."""
        try:
            size_of(data, at, stop)
        except Bad:
            return False
        return len(self.open) < MAX_DEPTH

    def value(self, data: bytes, at: int, stop: int) -> int:
        """Take the value whose line ends at ``stop``; return where it ends."""
        kind = data[at]
        size = size_of(data, at, stop)
        if len(self.open) >= MAX_DEPTH:
            raise Bad
        at = stop + 2
        ends_stream = kind == END or (kind == CHUNK and size == 0)
        if ends_stream:
            if self.open[-1] != STREAMED:
                raise Bad
            self.open.pop()
        elif self.open[-1] > 0 and kind != ATTRIBUTE:
            self.open[-1] -= 1
        if kind in AGGREGATES or kind in MAPS:
            if size > 0 and kind in MAPS:
                size *= 2
            if size != 0:
                self.open.append(size)
        elif kind in STRINGS and not ends_stream:
            if size == STREAMED and data[stop - 1] == 0x3F:
                self.open.append(STREAMED)
            elif size >= 0:
                at += size + 2
        while self.open and self.open[-1] == 0:
            self.open.pop()
        return at


def size_of(data: bytes, at: int, stop: int) -> int:
    """Return the number that a line says; 0 for null, and where it is no size.

    Raises:
        Bad: The line begins no value.
    """
    kind = data[at]
    if kind in LINES or kind == END:
        return 0
    if kind not in AGGREGATES and kind not in MAPS and kind not in STRINGS:
        raise Bad
    number = data[at + 1 : stop]
    if number == b"?" and kind != CHUNK:
        return STREAMED
    if NUMBER.match(number) is None:
        raise Bad
    size = int(number)
    if size == -1 and kind in b"$*":
        # Null. An array of it has nothing, and a string no bytes behind its line.
        return 0 if kind == 0x2A else -2
    most = MAX_STRING if kind in STRINGS else MAX_COUNT
    if not 0 <= size <= most:
        raise Bad
    return size


def shown(octets: Octets) -> Any:
    """Return a value as JSON has it, of the first values within it.

    Raises:
        Short: It is not all there.
    """
    found, _ = _value(octets, SHOWN_DEPTH, MOST_ITEMS)
    return found


def _value(octets: Octets, depth: int, most: int) -> tuple[Any, int]:
    """Return a value, and how many more may be shown."""
    kind = octets.number(1)
    line = octets.until(b"\r\n")
    if kind in STRINGS:
        if line in (b"-1", b"?"):
            return None, most - 1
        size = int(line) if NUMBER.match(line) else -1
        value = octets.take(min(size, octets.left) if size > 1024 else size)
        if size <= 1024:
            octets.take(2)
        return text(value, MOST_STRING), most - 1
    if kind in AGGREGATES or kind in MAPS:
        count = int(line) if NUMBER.match(line) else MOST_ITEMS
        if line == b"-1":
            return None, most - 1
        if depth == 0:
            raise Short
        found: list[Any] = []
        try:
            for _ in range(min(count * (2 if kind in MAPS else 1), MOST_ITEMS)):
                if most <= 0 or octets.data[octets.at : octets.at + 1] == b".":
                    break
                value, most = _value(octets, depth - 1, most)
                found.append(value)
        except Short:
            octets.at = octets.stop
            most = 0
        return found, most
    if kind == 0x3A and NUMBER.match(line):
        return int(line), most - 1
    if kind == 0x5F:
        return None, most - 1
    if kind == 0x23:
        return line == b"t", most - 1
    return text(line, MOST_STRING), most - 1
