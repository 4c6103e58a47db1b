"""Bytes that are appended now and read later, of which most may lie on disk.

All stores of one reader share one temporary file, in blocks that are used again
once a store lets go of them: a thousand large streams need one open file, and no
more room on disk than they have at one time.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import SEEK_END, BytesIO
from threading import Lock
from typing import IO

from unpacket.errors import SinkError

# Less than a block of each store stays in memory. Blocks of 4 KiB made spilling
# three times slower; larger ones leave more of many streams.
BLOCK_BYTES = 16 << 10

OTHER_FOLDER = "TMPDIR names another folder for temporary files"
GONE = "the stream is closed, and its payload gone"


@contextmanager
def temporary_file_errors() -> Iterator[None]:
    """Make errors name the folder that has no room, or is not to be written to.

    Raises:
        SinkError: A temporary file could not be made or written.
    """
    try:
        yield
    except OSError as error:
        import tempfile

        reason = (error.strerror or str(error)).lower()
        failure = SinkError(tempfile.tempdir or "temporary files", reason)
        failure.add_note(OTHER_FOLDER)
        raise failure from error


def temporary_file() -> IO[bytes]:
    """Return a file without a name, which is gone once it is closed.

    Raises:
        SinkError: It could not be made.
    """
    # Imports much, and is seldom needed.
    import tempfile

    with temporary_file_errors():
        return tempfile.TemporaryFile(prefix="unpacket-")


class BlockFile:
    """Blocks of one size in a temporary file, which is made with the first one.

    It has no name: it is gone with this object, or with the process. One thread may
    read stores while another still spills.
    """

    __slots__ = ("_blocks", "_file", "_free", "_lock", "block_bytes")

    def __init__(self, block_bytes: int = BLOCK_BYTES) -> None:
        self.block_bytes = block_bytes
        self._file: IO[bytes] | None = None
        self._blocks = 0
        self._free = array("q")
        self._lock = Lock()

    def put(self, block: memoryview) -> int:
        """Write a block, and return its number."""
        with self._lock:
            if self._file is None:
                self._file = temporary_file()
            number = self._free[-1] if self._free else self._blocks
            with temporary_file_errors():
                self._file.seek(number * self.block_bytes)
                self._file.write(block)
                self._file.flush()
            if self._free:
                self._free.pop()
            else:
                self._blocks += 1
            return number

    def get(self, number: int, start: int, stop: int) -> bytes:
        """Return the bytes ``[start, stop)`` of a block."""
        with self._lock:
            assert self._file is not None
            self._file.seek(number * self.block_bytes + start)
            return self._file.read(stop - start)

    def free(self, numbers: array[int]) -> None:
        """Let blocks be used again."""
        with self._lock:
            self._free.extend(numbers)

    def __del__(self) -> None:
        # A file that is left to the collector would warn that nobody closed it.
        if self._file is not None:
            # What there was no room for is not missed.
            with suppress(OSError):
                self._file.close()


class Store:
    """Append-only bytes: full blocks in a file first, then the rest in memory.

    Attributes:
        append: Adds bytes at the end, and returns how many.
    """

    __slots__ = ("_blocks", "_file", "_tail", "append")

    append: Callable[[bytes], int]

    def __init__(self, file: BlockFile) -> None:
        self._file = file
        self._blocks = array("q")
        self._tail: BytesIO | None = None
        self._start(BytesIO())

    def _start(self, tail: BytesIO) -> None:
        self._tail = tail
        # No method of this class in between: it is called for every chunk. The
        # position stays at the end, so that it is the size too.
        self.append = tail.write

    def __len__(self) -> int:
        return len(self._blocks) * self._file.block_bytes + self.memory_bytes

    @property
    def memory_bytes(self) -> int:
        """How many of the bytes are in memory."""
        return self._open_tail().tell()

    @property
    def closed(self) -> bool:
        """Whether the bytes are gone."""
        return self._tail is None

    @property
    def spilled(self) -> bool:
        """Whether some of the bytes lie in the file."""
        return len(self._blocks) > 0

    def spill(self) -> None:
        """Move the full blocks to the file.

        Raises:
            SinkError: They cannot be written. Nothing is lost.
        """
        size = self._file.block_bytes
        with self._open_tail().getbuffer() as octets:
            if len(octets) < size:
                return
            blocks = array("q")
            for start in range(0, len(octets) - size + 1, size):
                blocks.append(self._file.put(octets[start : start + size]))
            rest = bytes(octets[len(blocks) * size :])
        self._blocks.extend(blocks)
        self._start(BytesIO())
        self.append(rest)

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes ``[start, stop)``, as far as there are any.

        Raises:
            ValueError: The store is closed.
        """
        tail = self._open_tail()
        size = len(self)
        start, stop = max(start, 0), min(stop, size)
        if start >= stop:
            return b""
        if stop - start == size and not self._blocks:
            # Of all of them BytesIO makes no copy.
            return tail.getvalue()
        block_bytes = self._file.block_bytes
        spilled = len(self._blocks) * block_bytes
        parts = []
        while start < min(stop, spilled):
            index, within = divmod(start, block_bytes)
            length = min(block_bytes - within, stop - start)
            parts.append(self._file.get(self._blocks[index], within, within + length))
            start += length
        if start < stop:
            # Not by getbuffer(), which copies all that getvalue() has shared.
            tail.seek(start - spilled)
            parts.append(tail.read(stop - start))
            tail.seek(0, SEEK_END)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        """Let go of the bytes."""
        self._tail = None
        self.append = refuse
        if self._blocks:
            self._file.free(self._blocks)
            self._blocks = array("q")

    def _open_tail(self) -> BytesIO:
        if self._tail is None:
            raise ValueError(GONE)
        return self._tail

    def __del__(self) -> None:
        self.close()


def refuse(_octets: bytes) -> int:
    """Take the place of ``append`` once a store is closed."""
    raise ValueError(GONE)
