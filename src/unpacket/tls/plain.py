"""What the records of a side carry: its offsets, and which packets brought what.

Ciphers here keep each byte in its place, or, as CBC, in its block. So the packet that
brought a byte of the content is known, though only the record's last one proves it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from unpacket._core.reassembly.events import Data
from unpacket._core.reassembly.held import Piece, piece_of

if TYPE_CHECKING:
    from unpacket.tls.half import Half

# Of so many records it is remembered where they ended, for what acknowledges them.
MAX_MARKS = 64


class Plain:
    """The content of a half so far.

    Attributes:
        offset: Of what comes next, from the first byte of the side on. What came
            before TLS counts.
    """

    __slots__ = ("_known_ack", "_known_plain", "_marks", "_pieces", "offset")

    def __init__(self, offset: int) -> None:
        self.offset = offset
        # Which packet carried what.
        self._pieces: deque[Piece] = deque()
        # Where records ended, in the stream and in what they carry. What came before
        # TLS, and its handshake, carry as much as there was before them.
        self._marks: deque[tuple[int, int]] = deque([(0, offset)], maxlen=MAX_MARKS)
        self._known_ack = -1
        self._known_plain = -1

    def arrive(self, event: Data) -> None:
        """Take note of which packets bring the next bytes of the stream."""
        if event.parts is not None:
            self._pieces.extend(event.parts)
            return
        start = event.offset
        stop = start + len(event.payload)
        self._pieces.append(
            piece_of(
                start,
                stop,
                start,
                stop,
                start,
                None,
                event.frame,
                event.time_ns,
                event.ack,
            )
        )

    def forget(self, start: int) -> None:
        """Nothing is asked any more of the stream before an offset."""
        pieces = self._pieces
        while pieces and pieces[0].stop <= start:
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
        first = pieces[0]
        end = offset + len(content)
        parts = None
        ack = first.ack
        if ack >= 0:
            ack = self.ack(half, ack)
        if first.stop < end or len(pieces) > 1:
            parts = self.parts(half, offset, end)
        event = Data.__new__(Data)
        event.stream = half.connection.stream
        event.direction = half.direction
        event.offset = self.offset
        event.payload = content
        event.frame = half.frame
        event.time_ns = half.time_ns
        event.parts = parts
        event.ack = ack
        event.acknowledged = half.acknowledged
        event.doubts = half.doubts
        half.doubts = 0
        self.offset += len(content)
        return event

    def parts(self, half: Half, offset: int, end: int) -> list[Any]:
        """Return which packet carried what of the content of a record."""
        found = []
        shift = self.offset - offset
        start = offset
        for piece in self._pieces:
            stop = min(piece.stop, end)
            if stop > start:
                first = start + shift
                behind = stop + shift
                ack = piece.ack
                if ack >= 0:
                    ack = self.ack(half, ack)
                found.append(
                    piece_of(
                        first,
                        behind,
                        first,
                        behind,
                        first,
                        None,
                        piece.frame,
                        piece.time_ns,
                        ack,
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
        start = peer.start
        ahead = (ack - base - start + 0x80000000) & 0xFFFFFFFF
        offset = start + ahead - 0x80000000
        plain = peer.plain.at(peer, offset)
        if plain >= 0:
            plain = (base + plain) & 0xFFFFFFFF
        if offset <= start:
            # What the peer sends next lies behind it.
            self._known_ack = ack
            self._known_plain = plain
        return plain

    def at(self, half: Half, offset: int) -> int:
        """Return how much the records before an offset of the stream carry.

        -1 where that is too far back to be known.
        """
        if offset >= half.start:
            return self.offset
        for stop, plain in reversed(self._marks):
            if stop <= offset:
                return plain
        return -1
