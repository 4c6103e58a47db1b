"""The part of an input that is in memory, from the first byte not yet used.

``buffer[position:stop]`` has been read and not been used; ``buffer[0]`` is byte
``offset`` of the input. Bytes once read stay where they are for as long as anybody
refers to the buffer: what is read later goes behind them or into another buffer.
"""

from typing import Protocol

from unpacket._core.memory.batch import BUFFER_BYTES, BufferPool

# What is left of a buffer is not worth a read if it is less.
LEAST_READ = 1 << 14


class Reader(Protocol):
    """Where bytes come from: a file, a pipe, a decompressor."""

    @property
    def bytes_read(self) -> int:
        """How much of the underlying file was read."""

    @property
    def total_bytes(self) -> int | None:
        """The size of the underlying file, if it has one."""

    def readinto(self, view: memoryview) -> int:
        """Fill some of ``view``, wait only for the first byte; 0 at the end.

        Raises:
            BrokenInputError: There are no more bytes, and should be.
        """

    def close(self) -> None:
        """Close what this reader opened."""


class BrokenInputError(Exception):
    """The bytes end here because what they come from is damaged.

    Attributes:
        reason: What was wrong, in lower case and without a full stop.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Window:
    """A moving view of what a reader gives.

    Attributes:
        broken: Why the input ended before its end, or "".
    """

    __slots__ = (
        "_ended",
        "_pool",
        "_reader",
        "_size",
        "broken",
        "buffer",
        "offset",
        "position",
        "stop",
    )

    def __init__(self, reader: Reader, buffer_bytes: int = BUFFER_BYTES) -> None:
        self._reader = reader
        self._size = buffer_bytes
        self._pool = BufferPool(buffer_bytes)
        self._ended = False
        self.broken = ""
        self.buffer = self._pool.take()
        self.offset = 0
        self.position = 0
        self.stop = 0

    @property
    def held(self) -> int:
        """How many bytes are there to be used."""
        return self.stop - self.position

    @property
    def position_offset(self) -> int:
        """Where in the input the next byte to be used is."""
        return self.offset + self.position

    @property
    def ended(self) -> bool:
        """Whether there are no more bytes than those that are held."""
        return self._ended

    def peek(self, length: int) -> bytes:
        """Return up to ``length`` of the next bytes, without using them."""
        stop = min(self.position + length, self.stop)
        return bytes(memoryview(self.buffer)[self.position : stop])

    def need(self, length: int) -> bool:
        """Read until ``length`` bytes are there, and return whether they are."""
        while self.held < length:
            if not self.fill(length):
                return False
        return True

    def fill(self, needed: int) -> bool:
        """Read once, on the way to ``needed`` bytes; False at the end of the input.

        The buffer grows with what has arrived and not with what a record says that
        it needs: damage must not cost memory.
        """
        if self._ended:
            return False
        room = len(self.buffer) - self.stop
        too_far = self.position > 0 and self.position + needed > len(self.buffer)
        if room < LEAST_READ or too_far:
            self._move(needed)
        try:
            with memoryview(self.buffer) as whole, whole[self.stop :] as view:
                count = self._reader.readinto(view)
        except BrokenInputError as error:
            self.broken = error.reason
            count = 0
        self._ended = count == 0
        self.stop += count
        return count > 0

    def _move(self, needed: int) -> None:
        held = self.held
        size = min(needed, max(2 * held, self._size)) + LEAST_READ
        buffer = self._pool.take(size if needed > self._size - LEAST_READ else 0)
        buffer[:held] = memoryview(self.buffer)[self.position : self.stop]
        self.offset += self.position
        self.buffer = buffer
        self.position = 0
        self.stop = held
