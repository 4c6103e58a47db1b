"""Captures behind URLs, by fsspec: read in large blocks, from where its drivers reach.

fsspec is an extra. Each kind of URL has a driver of its own (s3fs, gcsfs, aiohttp),
which it names where it is missing.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
from collections.abc import Iterator
from typing import Any

from unpacket.errors import SourceError
from unpacket.sources.readers.files import FileReader, ways_to_read

# A request takes some ten milliseconds, in which 100 MB/s are 1 MB.
BLOCK_BYTES = 8 << 20
SKIP_BYTES = 1 << 20
# RFC 9110 section 15.5.5.
NOT_FOUND = 404


class RemoteReader(FileReader):
    """Reads what a URL names, a block at a time; or as a stream, if need be."""

    def __init__(self, path: str, block_bytes: int) -> None:
        self._system, self._inner = filesystem(path)
        file = self._opened(block_bytes)
        super().__init__(file, path, owned=True)
        # None where a server does not say.
        self.total_bytes = getattr(file, "size", None) or self.total_bytes
        self._streams = False

    def readinto(self, view: memoryview) -> int:
        with failures(self._path):
            try:
                return super().readinto(view)
            except ValueError:
                # So fsspec says that a server has no parts of files to give.
                if self._streams or not self.bytes_read:
                    raise
            self._stream()
            return super().readinto(view)

    def _opened(self, block_bytes: int) -> Any:
        opening = functools.partial(
            self._system.open, self._inner, "rb", block_size=block_bytes
        )
        try:
            # Others ask for blocks in advance that overlap: twice over the wire.
            return opening(cache_type="readahead")
        except TypeError:
            # One that keeps blocks itself, and has no option for it.
            return opening()

    def _stream(self) -> None:
        """Go on with one answer for the whole, from where reading has come."""
        self._file.close()
        self._file = self._opened(0)
        self._ways = ways_to_read(self._file)
        self._streams = True
        left, self.bytes_read = self.bytes_read, 0
        with memoryview(bytearray(SKIP_BYTES)) as skipped:
            while left and (count := super().readinto(skipped[:left])):
                left -= count


def open_url(path: str, *, block_bytes: int) -> RemoteReader:
    """Open what a URL names.

    Args:
        block_bytes: How much to ask for at a time.

    Raises:
        SourceError: It cannot be, or needs a module that is not installed.
    """
    with failures(path):
        return RemoteReader(path, block_bytes)


def matching_urls(path: str) -> list[str]:
    """Return the URLs that one with ``*`` stands for.

    Raises:
        SourceError: They cannot be listed.
    """
    with failures(path):
        system, inner = filesystem(path)
        urls = [system.unstrip_protocol(found) for found in system.glob(inner)]
    # What comes through something else: out of an archive, or by way of a cache.
    way, _, rest = path.partition("::")
    if rest and "://" in way:
        return [f"{url}::{rest}" for url in urls]
    return [f"{way}::{url}" for url in urls] if rest else urls


def filesystem(path: str) -> tuple[Any, str]:
    try:
        core = importlib.import_module("fsspec.core")
    except ImportError as error:
        raise SourceError(
            path,
            "URLs need a module that is not installed: pip install unpacket[fsspec]",
        ) from error
    system, inner = core.url_to_fs(path)
    return system, inner


@contextlib.contextmanager
def failures(path: str) -> Iterator[None]:
    """Turn what fsspec and its drivers raise into a SourceError."""
    try:
        yield
    except SourceError:
        raise
    except Exception as error:
        # They raise what the libraries below them raise: there is no common class.
        raise SourceError(path, reason_of(error)) from error


def reason_of(error: Exception) -> str:
    cause: BaseException = error
    while isinstance(cause, FileNotFoundError) and cause.__cause__ is not None:
        # A host that cannot be reached has no such file, in fsspec's words.
        cause = cause.__cause__
    # Of aiohttp, which gives the status of an answer.
    missing = getattr(cause, "status", None) == NOT_FOUND
    if missing or isinstance(cause, FileNotFoundError):
        return "no such file or directory"
    if isinstance(cause, PermissionError):
        return "permission denied"
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    said = " ".join(str(cause).split())
    return said[:1].lower() + said[1:] if said else type(cause).__name__
