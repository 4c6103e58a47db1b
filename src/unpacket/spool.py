"""Payload of one stream: in memory up to a bound, beyond it in a temporary file."""

from __future__ import annotations

from typing import IO


class Spool:
    """Bytes that are appended in order and read anywhere.

    Args:
        bound_bytes: How much stays in memory; what comes beyond that, and all that
            came before it, lies in an unnamed temporary file.
    """

    def __init__(self, bound_bytes: int) -> None:
        self._bound_bytes = bound_bytes
        self._memory = bytearray()
        self._file: IO[bytes] | None = None
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def spilled(self) -> bool:
        """Whether the bytes lie in a file."""
        return self._file is not None

    def append(self, payload: bytes) -> None:
        """Add bytes at the end."""
        self._size += len(payload)
        if self._file is None and self._size > self._bound_bytes:
            # Imports much, and is seldom needed.
            import tempfile

            self._file = tempfile.TemporaryFile(prefix="unpacket-")  # noqa: SIM115
            self._file.write(self._memory)
            self._memory = bytearray()
        if self._file is None:
            self._memory += payload
        else:
            self._file.seek(0, 2)
            self._file.write(payload)

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes ``[start, stop)``, as far as there are any."""
        start = max(0, start)
        stop = min(stop, self._size)
        if start >= stop:
            return b""
        if self._file is None:
            return bytes(memoryview(self._memory)[start:stop])
        self._file.seek(start)
        return self._file.read(stop - start)

    def close(self) -> None:
        """Let go of the bytes."""
        self._memory = bytearray()
        self._size = 0
        if self._file is not None:
            self._file.close()
            self._file = None
