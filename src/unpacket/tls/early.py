"""Early data of TLS 1.3, which counts only if the server takes it.

Whether it does, the server says encrypted and later (RFC 8446 section 4.2.10). What it
refuses the client sends again, so that it must not be given twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unpacket._core.reassembly.events import Data
    from unpacket.tls.half import Half

# So much waits until that is known; what is more is taken for taken.
MAX_BYTES = 1 << 20


class EarlyData:
    """What waits.

    Attributes:
        taken: Whether the server takes it; None as long as nobody knows.
    """

    __slots__ = ("_events", "_half", "_size", "taken")

    def __init__(self) -> None:
        self.taken: bool | None = None
        self._events: list[Data] = []
        self._size = 0
        self._half: Half | None = None

    def add(self, half: Half, event: Data) -> None:
        """Take the next bytes of it."""
        self._half = half
        if self.taken is None and self._size < MAX_BYTES:
            self._events.append(event)
            self._size += len(event.payload)
        elif self.taken is False:
            half.plain.offset -= len(event.payload)
        else:
            self.settle(True)
            half.connection.emit(event)

    def settle(self, taken: bool) -> None:
        """The server takes it, or does not."""
        if self.taken is not None:
            return
        self.taken = taken
        if self._half is not None:
            if taken:
                for event in self._events:
                    self._half.connection.emit(event)
            else:
                self._half.plain.offset -= self._size
        self._events = []
        self._size = 0
