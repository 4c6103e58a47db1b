"""Binary files, pipes and objects like them, as readers."""

import io
import os
import selectors
import stat
from collections.abc import Callable
from typing import Any

from unpacket.errors import SourceError

# An object that has only read() may wait until it has all that was asked for.
READ_BYTES = 1 << 16


class FileReader:
    """Reads from a binary file object whatever is there, without waiting for more."""

    def __init__(self, file: Any, path: str, *, owned: bool) -> None:
        self._file = file
        self._path = path
        self._owned = owned
        self._ways = ways_to_read(file)
        self.bytes_read = 0
        self.total_bytes = size_of(file)

    def readinto(self, view: memoryview) -> int:
        while True:
            try:
                count = self._ways[0](view)
            except io.UnsupportedOperation as error:
                # A class of BufferedIOBase need not have the methods that it has.
                del self._ways[0]
                if not self._ways:
                    raise SourceError(self._path, "it cannot be read") from error
                continue
            except OSError as error:
                reason = error.strerror or str(error)
                raise SourceError(self._path, reason.lower()) from error
            if count is not None:
                self.bytes_read += count
                return count
            self._wait()

    def _wait(self) -> None:
        """Wait for a pipe in non-blocking mode, which whoever shares it may set."""
        with selectors.DefaultSelector() as selector:
            try:
                selector.register(self._file, selectors.EVENT_READ)
            except (OSError, ValueError) as error:
                reason = "it has nothing to read yet and cannot be waited for"
                raise SourceError(self._path, reason) from error
            selector.select()

    def close(self) -> None:
        if self._owned:
            self._file.close()


def open_file(path: str) -> FileReader:
    """Open the file at ``path``.

    Raises:
        SourceError: It cannot be opened.
    """
    try:
        return FileReader(io.FileIO(path), path, owned=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SourceError(path, reason.lower()) from error


def ways_to_read(file: Any) -> list[Callable[[memoryview], int | None]]:
    """Return functions like ``readinto``, those first that wait least."""
    ways: list[Callable[[memoryview], int | None]] = [
        getattr(file, name)
        for name in ("readinto1", "readinto")
        if callable(getattr(file, name, None))
    ]
    for name in ("read1", "read"):
        read = getattr(file, name, None)
        if callable(read):
            ways.append(copying(read))
    return ways


def copying(read: Callable[[int], Any]) -> Callable[[memoryview], int | None]:
    def readinto(view: memoryview) -> int | None:
        data = read(min(len(view), READ_BYTES))
        if data is None:
            return None
        view[: len(data)] = data
        return len(data)

    return readinto


def size_of(file: Any) -> int | None:
    """Return how many bytes are left in a file on a disk or in memory."""
    raw = getattr(file, "raw", file)
    if isinstance(raw, io.BytesIO):
        return raw.getbuffer().nbytes - raw.tell()
    # Others have a fileno() too, of a file that they decompress.
    if not isinstance(raw, io.FileIO):
        return None
    try:
        status = os.fstat(raw.fileno())
        if not stat.S_ISREG(status.st_mode):
            return None
        return max(0, status.st_size - int(file.tell()))
    except OSError:
        return None
