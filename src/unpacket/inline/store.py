"""What the receiver has not acknowledged yet, by its offsets in the output.

The chunks stay as they went on, so that nothing is moved when others come or go; small
ones are joined, since each costs as much as 100 bytes.
"""

from __future__ import annotations

from bisect import bisect_right

# How many chunks may have been forgotten until the lists are cut.
SLACK = 1024
JOINED_BYTES = 2048


class Store:
    """The bytes of ``[start, stop)``.

    Attributes:
        start: What lies below was acknowledged.
    """

    __slots__ = ("_chunks", "_first", "_starts", "start", "stop")

    def __init__(self) -> None:
        self.start = 0
        self.stop = 0
        self._first = 0
        self._starts: list[int] = []
        self._chunks: list[bytes] = []

    def append(self, chunk: bytes) -> None:
        """Add what went on next."""
        length = len(chunk)
        if not length:
            return
        last = len(self._chunks) - 1
        if last >= self._first and length < JOINED_BYTES:
            before = self._chunks[last]
            if len(before) + length <= JOINED_BYTES:
                self._chunks[last] = before + chunk
                self.stop += length
                return
        self._starts.append(self.stop)
        self._chunks.append(chunk)
        self.stop += length

    def forget(self, offset: int) -> None:
        """Forget what lies below an offset, which is no less than before."""
        count = len(self._chunks)
        first = self._first
        while first < count:
            end = self._starts[first + 1] if first + 1 < count else self.stop
            if end > offset:
                break
            # A list keeps what it has.
            self._chunks[first] = b""
            first += 1
        self._first = first
        self.start = offset
        if first > SLACK or first == count:
            del self._starts[:first]
            del self._chunks[:first]
            self._first = 0

    def restart(self, offset: int) -> None:
        """Forget everything; what is appended next begins at an offset."""
        self._starts.clear()
        self._chunks.clear()
        self._first = 0
        self.start = self.stop = offset

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes of a range, all of which are here."""
        if start >= stop:
            return b""
        index = bisect_right(self._starts, start, self._first) - 1
        parts = []
        at = start
        while at < stop:
            begin = self._starts[index]
            part = self._chunks[index][at - begin : stop - begin]
            parts.append(part)
            at += len(part)
            index += 1
        return parts[0] if len(parts) == 1 else b"".join(parts)
