"""Binary files, pipes and objects like them, as readers."""

from __future__ import annotations

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


class FewFiles:
    """Reads from many files in turn, of which it keeps few open.

    Of more than ``most`` those are closed that were not read for the longest time;
    the next read opens them again, and goes on where they were.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: dict[PatientReader, FileReader] = {}

    def reader(self, path: str) -> PatientReader:
        """Return a reader of the file at ``path``.

        Raises:
            SourceError: It cannot be opened.
        """
        return PatientReader(path, self)

    def opened(self, reader: PatientReader, path: str) -> FileReader:
        """Return what reads the file of a reader that wants to read now."""
        file = self._open.pop(reader, None)
        if file is None:
            if len(self._open) == self._most:
                oldest = next(iter(self._open))
                self._open.pop(oldest).close()
            file = open_file(path, reader.bytes_read)
        # The last of the dictionary is the one that was read last.
        self._open[reader] = file
        return file

    def close(self, reader: PatientReader) -> None:
        """Close the file of a reader, if it is open."""
        file = self._open.pop(reader, None)
        if file is not None:
            file.close()


class PatientReader:
    """Reads from a file that may be closed while others are read."""

    def __init__(self, path: str, files: FewFiles) -> None:
        self._files = files
        self._path = path
        self.bytes_read = 0
        self.total_bytes = files.opened(self, path).total_bytes

    def readinto(self, view: memoryview) -> int:
        count = self._files.opened(self, self._path).readinto(view)
        self.bytes_read += count
        return count

    def close(self) -> None:
        self._files.close(self)


def open_file(path: str, offset: int = 0) -> FileReader:
    """Open the file at ``path``, and go to ``offset``.

    Raises:
        SourceError: It cannot be opened.
    """
    try:
        file = io.FileIO(path)
        if offset:
            file.seek(offset)
        return FileReader(file, path, owned=True)
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
