"""Many files that grow at one time, with few of them open.

What is written waits in memory, up to a bound for all files together, and goes out
in large pieces. A file is open only while there is room for its descriptor: the one
that was not written to for longest is closed, and opened again when it is its turn.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from unpacket.errors import SinkError
from unpacket.sinks.native.system import date, fill
from unpacket.sinks.whole import write_file

# tmpfs and XFS would take more; most other file systems 16 TiB.
MAX_FILE_BYTES = 1 << 40

# What a piece that waits costs beside its bytes: its object, its place in a list.
PIECE_BYTES = 80

# How many names that are taken are remembered, with how often.
TAKEN_NAMES = 1 << 16

NO_BYTES = hashlib.sha256().hexdigest()

MADE_BY_ANOTHER = "another process has just made it"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_AGAIN = os.O_WRONLY
_CLOSED = getattr(os, "O_CLOEXEC", 0)
_SAFELY = _CLOSED | getattr(os, "O_NOFOLLOW", 0)
_MODE = 0o666

_TOO_MANY_OPEN = (errno.EMFILE, errno.ENFILE)


class GrowingFile:
    """A file that bytes are added to. Subclasses know its names.

    Attributes:
        name: Relative to the directory, or None before anything was written.
        size: How long the file is, without what still waits.
        digest: The SHA-256 of all bytes that were added, once the file is closed.
        is_wanted: Whether it is certain that the file is to be there.
    """

    __slots__ = (
        "digest",
        "ends_with_hole",
        "hashed",
        "is_wanted",
        "name",
        "parts",
        "size",
    )

    def __init__(self, *, hashed: bool) -> None:
        self.name: str | None = None
        self.size = 0
        self.digest: str | None = None
        self.is_wanted = True
        self.parts: list[bytes] = []
        self.ends_with_hole = False
        # False: no digest. Else None until there are bytes, then the state of one.
        self.hashed: Any = None if hashed else False

    def waiting(self) -> int:
        """Return what the bytes that wait cost."""
        return sum(map(len, self.parts)) + len(self.parts) * PIECE_BYTES

    def candidate(self, again: int) -> str:
        """Return the name to try where ``again`` files have the first one."""
        raise NotImplementedError


class GrowingFiles:
    """The files of one directory.

    Args:
        directory: It exists, and is nobody else's meanwhile.
        replace: Whether files that are there already are replaced; else the next
            name is tried.
        max_open: How many are open at one time.
        buffer_bytes: How much waits in memory, in all files together.
    """

    def __init__(
        self, directory: str, *, replace: bool, max_open: int, buffer_bytes: int
    ) -> None:
        self._directory = directory
        self._max_open = max_open
        self._buffer_bytes = buffer_bytes
        self._waiting = 0
        self._growing: set[GrowingFile] = set()
        self._descriptors: OrderedDict[GrowingFile, int] = OrderedDict()
        # What is there was written by somebody else, unless its name is in here.
        self._made: set[str] | None = set() if replace else None
        # Ports that are used again and again must not cost a try for each time.
        self.taken: OrderedDict[str, int] = OrderedDict()
        self._doubtful = 0
        # Names are looked up from here, where the system can, and not from its root.
        self.at: int | None = None
        if os.open in os.supports_dir_fd:
            self.at = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | _CLOSED)

    def want(self, file: GrowingFile) -> None:
        """Give a file its name that was not certain to be wanted.

        Raises:
            SinkError: It cannot be given one.
        """
        file.is_wanted = True
        if file.name is None:
            return
        written = file.name
        # The name is taken by an empty file first, so that none is ever replaced.
        file.name, descriptor = self._make(file.candidate(0), file.candidate)
        os.close(descriptor)
        try:
            os.replace(self._path(written), self._path(file.name))
        except OSError as error:
            raise self.failed(file.name, error) from error

    def forget(self, file: GrowingFile) -> None:
        """Let go of a file, and remove what was written of it.

        Raises:
            SinkError: It cannot be removed.
        """
        if file.parts:
            self._growing.remove(file)
            self._waiting -= sum(map(len, file.parts)) + len(file.parts) * PIECE_BYTES
            file.parts.clear()
        descriptor = self._descriptors.pop(file, None)
        try:
            if descriptor is not None:
                os.close(descriptor)
            if file.name is not None:
                os.unlink(self._path(file.name))
        except OSError as error:
            raise self.failed(file.name, error) from error

    def add(self, file: GrowingFile, data: bytes) -> None:
        """Add bytes to a file.

        Raises:
            SinkError: They, or others that waited, cannot be written.
        """
        parts = file.parts
        if not parts:
            self._growing.add(file)
        parts.append(data)
        self._waiting += len(data) + PIECE_BYTES
        if self._waiting > self._buffer_bytes:
            self._write_largest()

    def leave_out(self, file: GrowingFile, length: int) -> int:
        """Let a file be longer by a hole, which reads as zeros.

        Returns:
            How long the hole is: no file is let grow beyond what disks can take.
        """
        self.flush(file)
        length = min(length, max(0, MAX_FILE_BYTES - file.size))
        file.size += length
        file.ends_with_hole |= length > 0
        return length

    def add_unhashed(self, file: GrowingFile, data: bytes) -> None:
        """Add bytes that do not count for the digest."""
        self.flush(file)
        hashed, file.hashed = file.hashed, False
        self.add(file, data)
        self.flush(file)
        file.hashed = hashed

    def close(self, file: GrowingFile, time_ns: int | None = None) -> None:
        """Write the rest of a file, and give it a time of last change."""
        self.flush(file)
        if file.hashed is not False:
            file.digest = file.hashed.hexdigest() if file.hashed else NO_BYTES
            file.hashed = False
        if file.name is None and not file.size:
            return
        descriptor = self._descriptor(file)
        del self._descriptors[file]
        try:
            if file.ends_with_hole:
                os.ftruncate(descriptor, file.size)
            if time_ns is not None:
                date(descriptor, time_ns)
        except OSError as error:
            raise self.failed(file.name, error) from error
        finally:
            os.close(descriptor)

    def write(
        self,
        candidate: Callable[[int], str],
        data: bytes | memoryview,
        time_ns: int,
    ) -> str:
        """Write a file of which all is at hand, with four calls of the system.

        Args:
            candidate: Returns the name to try where so many files have that of 0.
            data: Its bytes.
            time_ns: Its time of last change.

        Returns:
            Its name.

        Raises:
            SinkError: It cannot be written.
        """
        name = candidate(0)
        try:
            if self._written_at_once(name, data, time_ns):
                return name
            name, descriptor = self._make(name, candidate)
            try:
                fill(descriptor, data, time_ns)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise self.failed(name, error) from error
        return name

    def _written_at_once(
        self, name: str, data: bytes | memoryview, time_ns: int
    ) -> bool:
        """Write a file of this name, if it takes no more than that."""
        if self.at is None or self._made is not None:
            return False
        if self.taken and name in self.taken:
            return False
        return not write_file(self.at, os.fsencode(name), data, time_ns)

    def close_all(self) -> None:
        """Let go of all descriptors; what still waits is lost."""
        for descriptor in self._descriptors.values():
            os.close(descriptor)
        if self.at is not None:
            os.close(self.at)
            self.at = None
        self._descriptors.clear()
        self._growing.clear()
        self._waiting = 0

    def _write_largest(self) -> None:
        """Write files until half of what may wait is free."""
        for file in sorted(self._growing, key=GrowingFile.waiting, reverse=True):
            if self._waiting <= self._buffer_bytes // 2:
                break
            self.flush(file)

    def flush(self, file: GrowingFile) -> None:
        """Write what waits of a file.

        Raises:
            SinkError: It cannot be written.
        """
        parts = file.parts
        if not parts:
            return
        self._growing.remove(file)
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        self._waiting -= len(data) + len(parts) * PIECE_BYTES
        parts.clear()
        if file.hashed is None:
            file.hashed = hashlib.sha256(data)
        elif file.hashed:
            file.hashed.update(data)
        descriptor = self._descriptor(file)
        file.ends_with_hole = False
        try:
            while data:
                done = os.pwrite(descriptor, data, file.size)
                file.size += done
                data = data[done:]
        except OSError as error:
            raise self.failed(file.name, error) from error

    def _descriptor(self, file: GrowingFile) -> int:
        """Return an open descriptor of a file, the latest used of all."""
        descriptor = self._descriptors.get(file)
        if descriptor is not None:
            self._descriptors.move_to_end(file)
            return descriptor
        while len(self._descriptors) >= self._max_open:
            self._close_oldest()
        if file.name is None and not file.is_wanted:
            file.name, descriptor = self._make_doubtful()
        elif file.name is None:
            file.name, descriptor = self._make(file.candidate(0), file.candidate)
        else:
            descriptor = self._reopen(file.name)
        self._descriptors[file] = descriptor
        return descriptor

    def _reopen(self, name: str) -> int:
        try:
            return self._open(name, _AGAIN)
        except OSError as error:
            raise self.failed(name, error) from error

    def _make(self, first: str, candidate: Callable[[int], str]) -> tuple[str, int]:
        """Make a file of a name that is not taken; return its name and descriptor."""
        again = self.taken.pop(first, 0) if self.taken else 0
        tried = None
        while True:
            name = candidate(again) if again else first
            if name == tried:
                # It has no other name: somebody else made a file of this one.
                raise SinkError(self._path(name), MADE_BY_ANOTHER)
            tried = name
            again += 1
            try:
                if self._made is not None:
                    if name in self._made:
                        continue
                    self._clear(name)
                    self._made.add(name)
                descriptor = self._open(name, _NEW)
            except FileExistsError:
                continue
            except OSError as error:
                raise self.failed(name, error) from error
            if again > 1:
                self.taken[first] = again
                if len(self.taken) > TAKEN_NAMES:
                    self.taken.popitem(last=False)
            return name, descriptor

    def _make_doubtful(self) -> tuple[str, int]:
        """Make a file of a name that takes none from those that are wanted."""
        while True:
            name = f".unpacket-{self._doubtful}"
            self._doubtful += 1
            try:
                return name, self._open(name, _NEW)
            except FileExistsError:
                continue
            except OSError as error:
                raise self.failed(name, error) from error

    def _clear(self, name: str) -> None:
        """Remove a file of an earlier run; no folder in its path may be a link."""
        if "/" in name:
            folder = os.path.realpath(os.path.dirname(self._path(name)))
            inside = os.path.realpath(self._directory)
            if os.path.commonpath([folder, inside]) != inside:
                raise OSError(errno.ELOOP, "a link leads out of the directory", name)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(name))

    def _open(self, name: str, flags: int) -> int:
        flags |= _SAFELY
        while True:
            try:
                if self.at is None:
                    return os.open(self._path(name), flags, _MODE)
                return os.open(name, flags, _MODE, dir_fd=self.at)
            except FileNotFoundError:
                if not flags & os.O_CREAT or "/" not in name:
                    raise
                folder = os.path.dirname(self._path(name))
                if os.path.isdir(folder):
                    raise
                os.makedirs(folder, exist_ok=True)
            except OSError as error:
                if error.errno not in _TOO_MANY_OPEN or not self._descriptors:
                    raise
                self._close_oldest()

    def _path(self, name: str) -> str:
        return f"{self._directory}/{name}"

    def _close_oldest(self) -> None:
        _, descriptor = self._descriptors.popitem(last=False)
        os.close(descriptor)

    def failed(self, name: str | None, error: OSError) -> SinkError:
        """Return what to raise where something of a file could not be done."""
        path = self._path(str(name))
        return SinkError(path, (error.strerror or str(error)).lower())
