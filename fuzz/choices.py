"""Turns the bytes that a fuzzer mutates into decisions.

What is not there reads as 0, so every input means something, and a cut input means
the beginning of what the whole one does.
"""

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


class Choices:
    """Reads decisions from the front of some bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def more(self) -> bool:
        """Whether there are bytes left."""
        return self._at < len(self._data)

    def byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def number(self, size: int) -> int:
        """Return an unsigned number of ``size`` bytes."""
        return int.from_bytes(self.octets(size).ljust(size, b"\0"), "big")

    def flag(self) -> bool:
        return bool(self.byte() & 1)

    def pick(self, items: Sequence[Item]) -> Item:
        """Return one of up to 256 items."""
        return items[self.byte() % len(items)]

    def octets(self, count: int) -> bytes:
        """Return up to ``count`` bytes as they are."""
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken

    def rest(self) -> bytes:
        return self.octets(len(self._data))
