"""What the records of a side carry: its offsets, and which packets brought what.

Ciphers here keep each byte in its place, or, as CBC, in its block. So the packet that
brought a byte of the content is known, though only the record's last one proves it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from unpacket._core.reassembly.events import Data
from unpacket._core.reassembly.held import piece_of

if TYPE_CHECKING:
    from unpacket.tls.half import Half

# Of so many records it is remembered where they ended, for what acknowledges them.
MAX_MARKS = 256


class Plain:
    """The content of a half so far.

    Attributes:
        offset: Of what comes next, from the first byte of the side on. What came
            before TLS counts.
    """

    __slots__ = ("_known_ack", "_known_plain", "_marks", "_pieces", "offset")

    def __init__(self, offset: int) -> None:
        self.offset = offset
        # Which packet carried what: offset behind it, frame, time, acknowledgement.
        self._pieces: deque[tuple[int, int, int, int]] = deque()
        # Where records ended, in the stream and in what they carry.
        self._marks: deque[tuple[int, int]] = deque(maxlen=MAX_MARKS)
        self._known_ack = -1
        self._known_plain = -1

    def arrive(self, event: Data) -> None:
        """Take note of which packets bring the next bytes of the stream."""
        if event.parts is None:
            stop = event.offset + len(event.payload)
            self._pieces.append((stop, event.frame, event.time_ns, event.ack))
        else:
            for part in event.parts:
                self._pieces.append((part.stop, part.frame, part.time_ns, part.ack))

    def forget(self, start: int) -> None:
        """Nothing is asked any more of the stream before an offset."""
        pieces = self._pieces
        while pieces and pieces[0][0] <= start:
            pieces.popleft()

    def clear(self) -> None:
        """Forget all packets."""
        self._pieces.clear()

    def mark(self, stop: int) -> None:
        """A record ends at an offset of the stream."""
        self._marks.append((stop, self.offset))

    def event(self, half: Half, content: bytes, offset: int) -> Data:
        """Return the event of bytes which the stream has, encrypted, at ``offset``."""
        self.forget(offset)
        pieces = self._pieces
        stop, _, _, ack = pieces[0]
        end = offset + len(content)
        parts = None
        if ack >= 0:
            ack = self.ack(half, ack)
        if stop < end or len(pieces) > 1:
            parts = self.parts(half, offset, end)
        event = Data(
            half.connection.stream,
            half.direction,
            self.offset,
            content,
            half.frame,
            half.time_ns,
            parts,
            ack,
        )
        self.offset += len(content)
        return event

    def parts(self, half: Half, offset: int, end: int) -> list[Any]:
        """Return which packet carried what of the content of a record."""
        found = []
        shift = self.offset - offset
        start = offset
        for stop, frame, time_ns, ack in self._pieces:
            stop = min(stop, end)
            if stop > start:
                first, behind = start + shift, stop + shift
                if ack >= 0:
                    ack = self.ack(half, ack)
                found.append(
                    piece_of(
                        first, behind, first, behind, first, None, frame, time_ns, ack
                    )
                )
                start = stop
            if stop == end:
                break
        return found

    def ack(self, half: Half, ack: int) -> int:
        """Return an acknowledgement number that says the same of what is carried.

        It is one of a stream that had carried nothing else: whoever asks the stream
        where it lies finds the offset in what the peer's records carry.
        """
        if ack == self._known_ack:
            return self._known_plain
        connection = half.connection
        peer = connection.peer(half)
        base = connection.base(peer)
        if base is None:
            return -1
        ahead = (ack - base - peer.start + 0x80000000) & 0xFFFFFFFF
        found = peer.plain.at(peer, peer.start + ahead - 0x80000000)
        plain = (base + found) & 0xFFFFFFFF
        if found < peer.plain.offset:
            # The peer's side is read beyond it.
            self._known_ack = ack
            self._known_plain = plain
        return plain

    def at(self, half: Half, offset: int) -> int:
        """Return how much the records before an offset of the stream carry."""
        if offset >= half.start or not self._marks:
            return self.offset
        for stop, plain in reversed(self._marks):
            if stop <= offset:
                return plain
        return self._marks[0][1]
