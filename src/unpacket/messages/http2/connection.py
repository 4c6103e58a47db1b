"""An HTTP/2 connection: the bytes of both sides to frames, and frames to streams.

A frame has its length in front, so that a gap within one costs no other. Where a gap
has a frame's header, the next frame is looked for: it is one if others follow it. Then
it is not known what header blocks refer to, nor what open streams have lost.
"""

from typing import TYPE_CHECKING, Any

from unpacket.messages.http2.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HAS_PRIORITY,
    HEADER,
    HEADER_TABLE_SIZE,
    HEADERS,
    MAX_LENGTH,
    PADDED,
    PREFACE,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    Frame,
    chain,
    frame_at,
    is_plausible,
)
from unpacket.messages.http2.header_blocks import HeaderBlocks
from unpacket.messages.http2.streams import Place, Streams
from unpacket.messages.reader import Reader
from unpacket.messages.settings import Settings
from unpacket.tls.records import NOT_DECRYPTED

if TYPE_CHECKING:
    from unpacket import Stream

# A header block that is longer is not read.
MAX_BLOCK_BYTES = 256 << 10

# So many frames in a row are none by chance, if none is longer than what is usual.
CHAIN = 3
MAX_SEARCHED_BYTES = 64 << 10


class Block:
    """A header block that comes in several frames."""

    __slots__ = ("data", "ends", "kind", "place", "stream")

    def __init__(self, kind: int, stream: int, place: Place, ends: bool) -> None:
        self.kind = kind
        self.stream = stream
        self.place = place
        self.ends = ends
        self.data = bytearray()


class Side:
    """What one side has sent.

    Attributes:
        offset: Of the first byte that waits.
        is_lost: Whether it is not known where the next frame begins.
    """

    __slots__ = (
        "_block",
        "_frame",
        "_left",
        "_padding",
        "_pending",
        "_place",
        "_skipping",
        "_streams",
        "blocks",
        "is_lost",
        "offset",
        "peer",
        "server",
    )

    peer: "Side"

    def __init__(self, server: bool, streams: Streams, whole: bool) -> None:
        self.server = server
        self.blocks = HeaderBlocks(whole)
        self.is_lost = not whole
        self.offset = -1
        self._streams = streams
        self._pending = bytearray()
        # Of the first byte that waits.
        self._place: Place | None = None
        self._frame: Frame | None = None
        # Of a DATA frame: what is to come of its content, and behind that.
        self._left = 0
        self._padding = 0
        # What is to come of a frame of which bytes are missing.
        self._skipping = 0
        self._block: Block | None = None

    def place(self, reader: Reader, offset: int) -> Place:
        """Return where a byte lies."""
        first = self._place
        if first is not None and offset == first.offset:
            return first
        mark = reader.mark(offset)
        return Place(reader.direction, self.server, offset, mark.frame, mark.time_ns)

    def feed(self, reader: Reader, data: bytes, ended: bool) -> None:
        """Take bytes; the first of them is at the reader's offset."""
        if not self._pending:
            self.offset = reader.offset
            self._place = None
        self._pending += data
        at = self.run(reader, ended)
        del self._pending[:at]
        self.offset += at
        if at or self._place is None:
            self._place = self.place(reader, self.offset) if self._pending else None

    @property
    def waiting_bytes(self) -> int:
        """How many bytes wait for more."""
        block = self._block
        return len(self._pending) + (0 if block is None else len(block.data))

    def clear(self) -> None:
        """Let go of what waits."""
        self._pending.clear()
        self._block = None

    def run(self, reader: Reader, ended: bool) -> int:
        """Read the frames that wait; return how many bytes were read."""
        pending = self._pending
        size = len(pending)
        at = 0
        while at < size:
            left = size - at
            if self._skipping:
                count = min(left, self._skipping)
                self._skipping -= count
                at += count
                continue
            if self._frame is not None:
                at += self.content(reader, at)
                continue
            if self.is_lost:
                found = self.find(at, ended)
                if found < 0:
                    return size if ended else max(at, -found - 1)
                at = found
                self.is_lost = False
                continue
            if not self.server and PREFACE.startswith(
                bytes(pending[at : at + len(PREFACE)])
            ):
                if left < len(PREFACE):
                    break
                at += len(PREFACE)
                continue
            if left < HEADER:
                break
            frame = frame_at(pending, at)
            most = MAX_LENGTH if frame.kind == DATA else MAX_BLOCK_BYTES
            if frame.length > most or (
                frame.kind <= CONTINUATION and not is_plausible_here(frame)
            ):
                self.lose()
                continue
            if frame.kind == DATA:
                if frame.flags & PADDED and left == HEADER:
                    break
                at = self.begin_data(reader, frame, at)
                continue
            if left < HEADER + frame.length:
                break
            body = bytes(pending[at + HEADER : at + HEADER + frame.length])
            self.frame(reader, frame, body, self.offset + at)
            at += HEADER + frame.length
        return at

    def find(self, at: int, ended: bool) -> int:
        """Return where frames go on; -1 - x if that is known only with more from x.

        Nothing is taken for a frame before as many follow it as it takes to be sure, so
        that no answer depends on how the bytes were cut.
        """
        pending = self._pending
        size = len(pending)
        while at < size:
            count, more = chain(pending, at, CHAIN, MAX_SEARCHED_BYTES)
            if count and not self._streams.may_be(frame_at(pending, at).stream):
                count, more = 0, False
            if count == CHAIN or (count and more and ended):
                return at
            if more and not ended:
                return -1 - at
            at += 1
        return -1 - size

    def begin_data(self, reader: Reader, frame: Frame, at: int) -> int:
        """A DATA frame begins; return where its content does."""
        self._frame = frame
        content = frame.length
        padding = 0
        at += HEADER
        if frame.flags & PADDED and content:
            padding = min(self._pending[at], content - 1)
            content -= 1 + padding
            at += 1
        self._left = content
        self._padding = padding
        if not content and not padding:
            self.end_data(reader, self.offset + at)
        return at

    def content(self, reader: Reader, at: int) -> int:
        """Take what there is of a DATA frame; return how much."""
        frame = self._frame
        assert frame is not None
        left = len(self._pending) - at
        if self._left:
            count = min(left, self._left)
            self._left -= count
            content = bytes(self._pending[at : at + count])
            first = self.place(reader, self.offset + at)
            last = self.place(reader, self.offset + at + count - 1)
            last.stop = self.offset + at + count
            self._streams.data(frame.stream, first, last, content)
        else:
            count = min(left, self._padding)
            self._padding -= count
        if not self._left and not self._padding:
            self.end_data(reader, self.offset + at + count)
        return count

    def end_data(self, reader: Reader, stop: int) -> None:
        """A DATA frame ends."""
        frame = self._frame
        assert frame is not None
        self._frame = None
        if frame.flags & END_STREAM:
            place = self.place(reader, stop - 1)
            self._streams.end(frame.stream, place)

    def frame(self, reader: Reader, frame: Frame, body: bytes, offset: int) -> None:
        """Take a frame that is no DATA; its header is at ``offset``."""
        kind = frame.kind
        block = self._block
        if block is not None:
            if kind != CONTINUATION or frame.stream != block.stream:
                # The block never ended (RFC 9113 section 6.10).
                self._block = None
                self.blocks.lose()
            else:
                block.place.stop = offset + HEADER + frame.length
                self.add(block, body, frame.flags)
                return
        place = self.place(reader, offset)
        place.stop = offset + HEADER + frame.length
        if kind == HEADERS:
            body = unpadded(frame, body)
            if frame.flags & HAS_PRIORITY:
                body = body[5:]
            ends = bool(frame.flags & END_STREAM)
            self._block = Block(kind, frame.stream, place, ends)
            self.add(self._block, body, frame.flags)
        elif kind == PUSH_PROMISE:
            body = unpadded(frame, body)
            number = int.from_bytes(body[:4]) & 0x7FFFFFFF
            self._block = Block(kind, number, place, False)
            self.add(self._block, body[4:], frame.flags)
        elif kind == RST_STREAM:
            self._streams.reset(frame.stream, int.from_bytes(body))
        elif kind == SETTINGS and not frame.flags & ACK:
            for at in range(0, len(body) - 5, 6):
                if int.from_bytes(body[at : at + 2]) == HEADER_TABLE_SIZE:
                    self.peer.blocks.allow(int.from_bytes(body[at + 2 : at + 6]))

    def add(self, block: Block, body: bytes, flags: int) -> None:
        """Take a part of a header block."""
        if len(block.data) <= MAX_BLOCK_BYTES:
            block.data += body
        if not flags & END_HEADERS:
            return
        self._block = None
        fields = None
        if len(block.data) > MAX_BLOCK_BYTES:
            self.blocks.lose()
        else:
            fields = self.blocks.decode(bytes(block.data))
        if block.kind == PUSH_PROMISE:
            self._streams.promise(block.stream, block.place, fields)
        else:
            self._streams.headers(block.stream, block.place, fields, block.ends)

    def gap(self, reader: Reader, length: int, reason: str) -> None:
        """Let bytes be missing; the first of them is at the reader's offset."""
        if self.is_lost:
            # What waits is looked through for frames a last time.
            self.feed(reader, b"", True)
        if self.is_lost or reason == NOT_DECRYPTED:
            self.lose()
            self.clear()
            return
        if self._skipping:
            count = min(length, self._skipping)
            self._skipping -= count
            length -= count
        frame = self._frame
        if frame is not None:
            count = min(length, self._left)
            if count:
                place = self.place(reader, reader.offset)
                self._streams.hole(frame.stream, place, count, reason)
                self._left -= count
                length -= count
            count = min(length, self._padding)
            self._padding -= count
            length -= count
            if not self._left and not self._padding:
                self.end_data(reader, reader.offset)
        elif len(self._pending) >= HEADER:
            frame = frame_at(self._pending, 0)
            left = frame.length + HEADER - len(self._pending)
            self.lose_frame(frame)
            count = min(length, left)
            self._skipping = left - count
            length -= count
        elif self._pending:
            self.lose()
        self._pending.clear()
        if length:
            self.lose()

    def lose_frame(self, frame: Frame) -> None:
        """A frame that is no DATA cannot be read."""
        if frame.kind in (HEADERS, PUSH_PROMISE, CONTINUATION):
            self._block = None
            self.blocks.lose()
            self._streams.lose(self.server)

    def lose(self) -> None:
        """It is not known where the next frame begins, nor what was before it."""
        self._frame = None
        self._left = self._padding = self._skipping = 0
        self._block = None
        self.is_lost = True
        self.blocks.lose()
        self._streams.lose(self.server)


class Http2Connection:
    """Takes what both readers of a conversation read, and gives exchanges.

    Args:
        whole: Whether the connection is seen from its beginning on.
        asked: The request that the first stream answers, behind an upgrade; or None.
    """

    def __init__(
        self,
        stream: "Stream",
        settings: Settings,
        known_by: str | None,
        swapped: bool,
        whole: bool,
        asked: Any,
    ) -> None:
        self._streams = Streams(stream, settings, known_by, swapped)
        if asked is not None:
            self._streams.upgrade(asked)
        if not whole:
            self._streams.is_whole = [False, False]
        self._settings = settings
        # What waits in both sides, as it is counted in the settings.
        self._waiting_bytes = 0
        self._sides = [Side(server, self._streams, whole) for server in (False, True)]
        self._sides[0].peer, self._sides[1].peer = self._sides[1], self._sides[0]

    def data(self, reader: Reader, data: bytes) -> None:
        """Take the next bytes of a side, which begin at the reader's offset."""
        side = self._sides[reader.server]
        side.feed(reader, data, False)
        self._count()
        if self._settings.waiting_bytes > self._settings.max_waiting_bytes:
            self._settings.over_bounds += 1
            side.lose()
            side.clear()
            self._count()

    def gap(self, reader: Reader, length: int, reason: str) -> None:
        """Let the next bytes of a side be missing."""
        self._sides[reader.server].gap(reader, length, reason)
        self._count()

    def end(self, reader: Reader) -> None:
        """A side has ended."""
        side = self._sides[reader.server]
        side.feed(reader, b"", True)
        side.clear()
        self._count()

    def _count(self) -> None:
        now = sum(side.waiting_bytes for side in self._sides)
        self._settings.waiting_bytes += now - self._waiting_bytes
        self._waiting_bytes = now

    def close(self) -> bool:
        """Nothing follows. Returns whether there was any exchange."""
        self._streams.close()
        return self._streams.count > 0


def is_plausible_here(frame: Frame) -> bool:
    """Return whether a frame may be one, where one has to be: flags may be new."""
    return is_plausible(frame._replace(flags=0))


def unpadded(frame: Frame, body: bytes) -> bytes:
    """Return a frame's content without its padding (RFC 9113 section 6.2)."""
    if not frame.flags & PADDED or not body:
        return body
    return body[1 : max(1, len(body) - body[0])]
