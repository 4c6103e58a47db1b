"""The compression of WebSocket messages (RFC 7692 section 7.2.2), one half each."""

import zlib

# What is given of one message; what has more was made to have it.
MAX_INFLATED_BYTES = 64 << 20
# The end of each message, which is not sent.
TAIL = b"\0\0\xff\xff"


class Inflater:
    """Undoes it, message by message, in their order.

    Args:
        keeps_context: Whether a message may refer to the bytes of those before it.
        max_bytes: How much is given of one message.
    """

    __slots__ = ("_keeps_context", "_lost", "_max_bytes", "_state")

    def __init__(
        self, keeps_context: bool = True, max_bytes: int = MAX_INFLATED_BYTES
    ) -> None:
        self._keeps_context = keeps_context
        self._max_bytes = max_bytes
        self._lost = False
        self._state = zlib.decompressobj(-15)

    def lose(self) -> None:
        """A message, or a part of one, is not known."""
        self._lost = True

    def inflate(self, data: bytes, whole: bool) -> tuple[bytes, str | None]:
        """Return what a message means, and what is wrong with that.

        Args:
            whole: Whether that is all of it; else its beginning.
        """
        if not self._keeps_context:
            self._state = zlib.decompressobj(-15)
            self._lost = False
        elif self._lost:
            return b"", "context-lost"
        found = b""
        anomaly = None
        try:
            found = self._state.decompress(data, self._max_bytes)
            if whole and len(found) < self._max_bytes and not self._state.eof:
                found += self._state.decompress(TAIL, self._max_bytes - len(found))
        except zlib.error:
            self._lost = True
            return found, "bad-compression"
        if len(found) >= self._max_bytes:
            anomaly = "too-large"
        elif not whole:
            anomaly = "compression-cut"
        if anomaly is not None or self._state.eof:
            # A last block, which none may refer back over in the same state.
            self._lost = True
        return found, anomaly
