"""Streams in the order of what is known of them, of as many as there are.

What streams are ordered by are the columns of ``unpacket.query.parser``. Each stream
has a key of bytes, made such that keys are in order exactly if the streams are: so rows
of different kinds can be sorted on disk, where nothing is known of columns.
"""

from __future__ import annotations

import heapq
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from difflib import get_close_matches
from itertools import islice
from typing import IO, Any

from unpacket.query.columns import COLUMNS
from unpacket.query.values import number_of
from unpacket.records.spool import temporary_file, temporary_file_errors
from unpacket.records.summary import Summary

# More than this waits in a temporary file.
KEPT_BYTES = 64 << 20
# What a row costs besides its bytes: two bytes objects, a tuple, a place in a list.
ROW_BYTES = 140
READ_BYTES = 1 << 16

_SIZES = struct.Struct("<II")
_INVERTED = bytes(range(256))[::-1]
# Room for every time in nanoseconds, with its sign.
_WHOLE = 1 << 71


class Order:
    """What streams are ordered by: columns, of which a minus turns one round.

    Streams that are equal in all of them stay in the order of ids.

    Args:
        fields: Names of columns joined by commas, such as ``gaps,-bytes``.
        reverse: Whether all of them are turned round.

    Raises:
        ValueError: There is no such column.
    """

    def __init__(self, fields: str, *, reverse: bool = False) -> None:
        self.fields = fields
        self._columns = []
        for field in fields.split(","):
            name = field.strip()
            descending = name.startswith("-")
            name = name.removeprefix("-")
            if name not in COLUMNS:
                raise ValueError(no_such_column(name))
            self._columns.append((COLUMNS[name].values, descending != reverse))

    def key(self, summary: Summary) -> bytes:
        """Return what is less than the key of each stream that comes later."""
        parts = []
        for values, descending in self._columns:
            # Each value begins with 1, and 0 ends them: fewer come first.
            part = b"".join(sorted(b"\1" + encoded(one) for one in values(summary)))
            part += b"\0"
            parts.append(part.translate(_INVERTED) if descending else part)
        return b"".join(parts) + encoded(summary.id)


def no_such_column(name: str) -> str:
    """Return what is wrong with the name, and what helps."""
    close = get_close_matches(name[:40].lower(), COLUMNS, 3, 0.6)
    if close:
        return f"no column {name[:40]!r}; did you mean {' or '.join(close)}?"
    return f"no column {name[:40]!r}; there are {', '.join(COLUMNS)}"


def encoded(value: Any) -> bytes:
    """Return bytes that are in the order of the values of a column."""
    if isinstance(value, tuple):
        address, port = value
        version, number = number_of(address)
        ends: bytes = number.to_bytes(16) + port.to_bytes(2)
        return bytes([version]) + ends
    if isinstance(value, int):
        return (value + _WHOLE).to_bytes(9)
    return str(value or "").encode() + b"\0"


class Sorter:
    """Rows by their keys, of which most may wait in a temporary file.

    Args:
        limit: Only the first so many are wanted.
        kept_bytes: About how much memory to take.

    Raises:
        SinkError: There is no room for the temporary file.
    """

    def __init__(
        self, *, limit: int | None = None, kept_bytes: int = KEPT_BYTES
    ) -> None:
        self._limit = limit
        self._bound_bytes = kept_bytes
        self._rows: list[tuple[bytes, bytes]] = []
        self._bytes = 0
        self._file: IO[bytes] | None = None
        # Where in the file each sorted run begins and ends.
        self._runs: list[tuple[int, int]] = []

    def add(self, key: bytes, row: bytes) -> None:
        self._rows.append((key, row))
        self._bytes += len(key) + len(row) + ROW_BYTES
        if self._bytes > self._bound_bytes:
            self._settle()
            if self._bytes > self._bound_bytes // 2:
                self._spill()

    def rows(self) -> Iterator[bytes]:
        """Give the rows in order, once."""
        self._settle()
        runs: list[Iterable[tuple[bytes, bytes]]] = [self._rows]
        runs += [self._run(*span) for span in self._runs]
        for _, row in islice(heapq.merge(*runs), self._limit):
            yield row
        self._close()

    def _settle(self) -> None:
        """Sort what is in memory, and let go of what is not wanted."""
        self._rows.sort()
        if self._limit is not None and len(self._rows) > self._limit:
            del self._rows[self._limit :]
            self._bytes = sum(len(key) + len(row) for key, row in self._rows)
            self._bytes += ROW_BYTES * len(self._rows)

    def _spill(self) -> None:
        if self._file is None:
            self._file = temporary_file()
        with temporary_file_errors():
            start = self._file.tell()
            for key, row in self._rows:
                self._file.write(_SIZES.pack(len(key), len(row)))
                self._file.write(key)
                self._file.write(row)
            self._file.flush()
            self._runs.append((start, self._file.tell()))
        self._rows.clear()
        self._bytes = 0

    def _run(self, start: int, stop: int) -> Iterator[tuple[bytes, bytes]]:
        """Give the rows between two places in the file."""
        assert self._file is not None
        ahead = b""
        at = 0
        while True:
            if len(ahead) - at >= _SIZES.size:
                key_bytes, row_bytes = _SIZES.unpack_from(ahead, at)
                row = at + _SIZES.size + key_bytes
                if row + row_bytes <= len(ahead):
                    at = row + row_bytes
                    yield ahead[row - key_bytes : row], ahead[row:at]
                    continue
            if start == stop:
                return
            self._file.seek(start)
            more = self._file.read(min(READ_BYTES, stop - start))
            start += len(more)
            ahead = ahead[at:] + more
            at = 0

    def _close(self) -> None:
        # What there was no room for is not missed.
        with suppress(OSError):
            if self._file is not None:
                self._file.close()

    def __del__(self) -> None:
        # A file that is left to the collector would warn that nobody closed it.
        self._close()
