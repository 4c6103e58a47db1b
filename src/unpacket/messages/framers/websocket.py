"""WebSocket (RFC 6455), behind an upgrade of HTTP, with permessage-deflate (RFC 7692).

A message may come in several frames, and between those may stand control frames. Such
a control frame is no message of its own then, but belongs to the one that it divides.
Nothing in a frame says that one begins there: behind a hole that hides a header all
that follows is skipped, while a hole in the payload costs only its bytes.
"""

from array import array
from typing import Any

from unpacket.messages.answers import Answer, message, need, part, refuse
from unpacket.messages.body import Body, chunks
from unpacket.messages.framer import Framer
from unpacket.messages.framers.deflate import Inflater
from unpacket.messages.results import Message, byte_count, clear

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
OPCODES = {
    CONTINUATION: "continuation",
    TEXT: "text",
    BINARY: "binary",
    CLOSE: "close",
    PING: "ping",
    PONG: "pong",
}

FIN = 0x80
COMPRESSED = 0x40
UNKNOWN_BITS = 0x30
MASKED = 0x80

# Offsets have 63 bits, and the message lies somewhere in them.
MAX_LENGTH = 1 << 62

# What of a message a summary or JSON has, and what a compressed one may have.
MAX_SHOWN_BYTES = 64 << 10
MAX_COMPRESSED_BYTES = 64 << 20

# A message of more frames is given out in parts. Each takes 12 bytes.
MAX_FRAMES = 1 << 16
# Of control frames within a message no more are kept; the others are only counted.
MAX_CONTROLS = 256


class WebSocketMessage(Message):
    """A message, or a control frame that stands alone.

    Attributes:
        opcode: What its first frame says: TEXT, BINARY, CLOSE, PING, PONG.
        masked: Whether its first frame is masked, as the client's have to be.
        compressed: Whether it says that it is compressed.
        controls: The control frames in it: opcode and payload.
        frame_count: How many frames it came in, without those.
    """

    __slots__ = (
        "_ends",
        "_inflated",
        "_inflater",
        "_keys",
        "compressed",
        "controls",
        "masked",
        "opcode",
    )

    opcode: int
    masked: bool
    compressed: bool
    controls: list[tuple[int, bytes]]
    _ends: "array[int]"
    _keys: bytearray
    _inflater: Inflater | None
    _inflated: bytes | None

    @property
    def kind(self) -> str:
        """The name of the opcode."""
        return OPCODES[self.opcode]

    @property
    def frame_count(self) -> int:
        """How many frames it came in, without control frames."""
        return len(self._ends)

    @property
    def payload(self) -> bytes:
        """The observed bytes without their masks, as they were sent: compressed too."""
        body = self._body
        if body is None:
            return b""
        return unmasked(self.body, body, self._ends, self._keys)

    @property
    def data(self) -> bytes:
        """The message as the application had it, as far as that is known.

        Of a compressed one that is what comes before a hole; nothing, where a message
        before it is missing that its compression refers to. Both are anomalies.
        """
        if not self.compressed:
            return self.payload
        self.inflate()
        return self._inflated or b""

    @property
    def text(self) -> str:
        """The data as text; bytes that are no UTF-8 become escapes."""
        return self.data.decode("utf-8", "backslashreplace")

    def beginning(self, most_bytes: int = MAX_SHOWN_BYTES) -> str:
        """Return the first bytes as text, without reading all of a large message."""
        body = self._body
        if self.compressed or body is None:
            data = self.data
        else:
            first = bytearray()
            for chunk in chunks(body):
                first += chunk
                if len(first) >= most_bytes:
                    break
            data = unmasked(bytes(first), body, self._ends, self._keys)
        return data[:most_bytes].decode("utf-8", "backslashreplace")

    @property
    def close_code(self) -> int | None:
        """Why the connection is closed (RFC 6455 section 7.4); None if not said."""
        if self.opcode != CLOSE or self.body_length < 2 or self.holes:
            return None
        return int.from_bytes(self.payload[:2])

    def inflate(self) -> None:
        """Undo the compression, once; messages of a half do so in their order."""
        inflater, self._inflater = self._inflater, None
        if inflater is None:
            return
        body = self._body
        if body is not None and body.observed > MAX_COMPRESSED_BYTES:
            inflater.lose()
            self.note("too-large")
            return
        payload = self.payload
        whole = self.complete
        if body is not None and len(payload) < body.observed:
            # Bodies were not kept.
            inflater.lose()
        elif body is not None and body.holes:
            hole = body.first_hole()
            payload, whole = payload[:hole], False
        self._inflated, anomaly = inflater.inflate(payload, whole)
        if anomaly is not None:
            self.note(anomaly)

    @property
    def summary(self) -> str:
        """The kind, and what it says."""
        if self.opcode == TEXT:
            return f"text {self.beginning()}"
        if self.opcode == CLOSE:
            code = self.close_code
            reason = self.payload[2:].decode("utf-8", "backslashreplace")
            return f"close {'' if code is None else code} {reason}".rstrip()
        return f"{self.kind}, {byte_count(self.body_length)}"

    @property
    def facts(self) -> dict[str, Any]:
        """What it is, and the text of a text, as JSON has it."""
        facts: dict[str, Any] = {
            "kind": self.kind,
            "masked": self.masked,
            "compressed": self.compressed,
            "frames": self.frame_count,
            "controls": [OPCODES[opcode] for opcode, _ in self.controls],
        }
        if self.opcode == TEXT:
            facts["text"] = self.beginning()
        if self.opcode == CLOSE:
            facts["code"] = self.close_code
        return facts


def unmasked(observed: bytes, body: Body, ends: "array[int]", keys: bytearray) -> bytes:
    """Undo the masks of a body (RFC 6455 section 5.3).

    Args:
        observed: The body without its holes.
        ends: Where each frame's payload ends in it, holes included.
        keys: Four bytes each.
    """
    if not any(keys):
        return observed
    # Where observed runs begin, in the body and in ``observed``.
    pieces = []
    at = taken = 0
    for hole in [*(body.holes or ()), None]:
        stop = body.length if hole is None else hole.offset
        pieces.append((at, stop, taken))
        taken += stop - at
        at = stop if hole is None else hole.offset + hole.length
    found = bytearray()
    begin = index = 0
    for start, stop, taken in pieces:
        at = start
        while at < stop and index < len(ends):
            while index < len(ends) and ends[index] <= at:
                begin = ends[index]
                index += 1
            if index == len(ends):
                break
            count = min(stop, ends[index]) - at
            piece = observed[taken + at - start : taken + at - start + count]
            turn = (at - begin) % 4
            key = bytes(keys[4 * index : 4 * index + 4])
            found += exclusive_or(piece, key[turn:] + key[:turn])
            at += count
    return bytes(found)


def exclusive_or(data: bytes, key: bytes) -> bytes:
    """Return the exclusive or of bytes with a key of four that repeats."""
    if key == bytes(4):
        return data
    size = len(data)
    repeated = (key * (size // 4 + 1))[:size]
    value = int.from_bytes(data) ^ int.from_bytes(repeated)
    return value.to_bytes(size)


class WebSocket(Framer):
    """Cuts what follows an upgrade into messages.

    Args:
        keeps_context: For what the client and what the server sends, whether a
            compressed message may refer to those before it.
    """

    __slots__ = (
        "inflater",
        "item",
        "keeps_context",
        "last",
        "lost",
        "resumes",
        "server",
    )

    name = "websocket"

    item: WebSocketMessage | None
    last: WebSocketMessage | None

    def __init__(self, keeps_context: tuple[bool, bool] = (True, True)) -> None:
        self.keeps_context = keeps_context
        self.server = False
        self.lost = False
        self.resumes = False
        self.item = None
        self.last = None
        self.inflater: Inflater | None = None

    def opened(self, opener: Message | None) -> Framer:
        """Return the framer for what a "101 Switching Protocols" agrees on."""
        header = getattr(opener, "header", None)
        agreed = "" if header is None else header("Sec-WebSocket-Extensions") or ""
        return WebSocket(
            (
                "client_no_context_takeover" not in agreed,
                "server_no_context_takeover" not in agreed,
            )
        )

    def begin(self, direction: int, whole: bool) -> Framer:
        """Return the framer of a half that begins."""
        half = WebSocket(self.keeps_context)
        half.server = direction == 1
        half.lost = not whole
        half.inflater = Inflater(self.keeps_context[direction])
        return half

    def frame(self, data: bytes, start: int, ended: bool) -> Answer:
        """Say how long the frame is that begins at ``data[start]``."""
        if self.lost:
            return refuse()
        head = header_length(data, start)
        if head <= 0 or start + head > len(data):
            return need(head + start - len(data)) if head > 0 else self.refused()
        first, second = data[start], data[start + 1]
        opcode = first & 0x0F
        length = second & 0x7F
        if length >= 126:
            size = 2 if length == 126 else 8
            length = int.from_bytes(data[start + 2 : start + 2 + size])
            if length > MAX_LENGTH:
                return self.refused()
        key = data[start + head - 4 : start + head] if second & MASKED else bytes(4)
        item = self.item
        if opcode >= CLOSE:
            return self.control(data, start, head, length, key, opcode)
        if opcode != CONTINUATION and item is not None:
            # The message before never ended; this one begins all the same.
            self.resumes = True
            return refuse("no-last-frame")
        begins = item is None
        if item is None:
            item = self.new(opcode, second)
            if opcode == CONTINUATION:
                item.note("no-first-frame")
            item.compressed = bool(first & COMPRESSED)
            item._inflater = self.inflater if item.compressed else None
        elif first & COMPRESSED:
            item.note("compressed-continuation")
        end = (item._ends[-1] if item._ends else 0) + length
        item._ends.append(end)
        item._keys += key
        ends = bool(first & FIN)
        if not ends and len(item._ends) >= MAX_FRAMES:
            item.note("too-many-frames")
            ends = True
        self.item = None if ends else item
        answer = message(head + length, head) if ends else part(head + length, head)
        if begins:
            answer.item = item
        if ends and item.compressed:
            self.last = item
        return answer

    def control(
        self, data: bytes, start: int, head: int, length: int, key: bytes, opcode: int
    ) -> Answer:
        """Answer for a control frame."""
        item = self.item
        if item is None:
            item = self.new(opcode, data[start + 1])
            item._ends.append(length)
            item._keys += key
            answer = message(head + length, head)
            answer.item = item
            return answer
        stop = start + head + length
        if stop > len(data):
            return need(stop - len(data))
        if len(item.controls) < MAX_CONTROLS:
            payload = exclusive_or(data[start + head : stop], key)
            item.controls.append((opcode, payload))
        return part(head + length, head + length)

    def new(self, opcode: int, second: int) -> WebSocketMessage:
        """Return a message that begins; the one before has ended."""
        if self.last is not None:
            # Its bytes are what the next compressed one may refer to.
            self.last.inflate()
            self.last = None
        item = WebSocketMessage.__new__(WebSocketMessage)
        clear(item)
        item.opcode = opcode
        item.masked = bool(second & MASKED)
        item.compressed = False
        item.controls = []
        item._ends = array("Q")
        item._keys = bytearray()
        item._inflater = None
        item._inflated = None
        if item.masked == self.server:
            item.note("masked" if item.masked else "not-masked")
        return item

    def refused(self) -> Answer:
        """Answer that this is no frame; nobody knows where the next one begins."""
        self.lost = True
        return refuse("bad-frame")

    def find_start(self, data: bytes, start: int, ended: bool) -> int:
        """Return the end of the data where no frame can be known by its bytes."""
        return len(data) if self.lost else start

    def reset(self) -> None:
        """A message was given up; unless it was for a new one, so is the half."""
        self.lost = self.lost or not self.resumes
        self.resumes = False
        if self.item is not None:
            # As far as it goes; then its compression has no context any more.
            self.item.inflate()
        self.item = None


def header_length(data: bytes, start: int) -> int:
    """Return how long the header of a frame is, as far as that is known.

    More than there are bytes, where there are too few; 0 where it is none.
    """
    size = len(data) - start
    first = data[start]
    opcode = first & 0x0F
    if opcode not in OPCODES or first & UNKNOWN_BITS:
        return 0
    if opcode >= CLOSE and (not first & FIN or first & COMPRESSED):
        return 0
    if size < 2:
        return 2
    length = data[start + 1] & 0x7F
    if opcode >= CLOSE and length > 125:
        return 0
    extra = 8 if length == 127 else 2 if length == 126 else 0
    return 2 + extra + (4 if data[start + 1] & MASKED else 0)
