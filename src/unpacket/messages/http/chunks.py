"""What the framers of both directions have in common: chunked bodies go on alike.

=========  ===================================================================
HEADS      a head, or empty lines before it
SIZE       the size of the first chunk
NEXT_SIZE  the end of a chunk's data, and the size of the next
=========  ===================================================================
"""

from typing import Any

from unpacket.messages.answers import Answer
from unpacket.messages.constants import BROKEN, MESSAGE, NEED, PART
from unpacket.messages.framer import Framer
from unpacket.messages.http.constants import (
    CR,
    HEADS,
    LF,
    MAX_LENGTH,
    NEXT_SIZE,
    SEMICOLON,
    SIZE,
    SPACE,
    TAB,
)
from unpacket.messages.http.head import HttpMessage
from unpacket.messages.http.parse import line_end
from unpacket.messages.native import find as native

# A size with its extensions; who sends more is no sender of chunks.
MAX_SIZE_LINE = 16 << 10

# A size of a chunk that takes another digit is below it, and so stays below 2**63.
MAX_SHIFTED = 1 << 59


class HalfFramer(Framer):
    """What the framers of both directions have in common."""

    __slots__ = (
        "answer",
        "certain",
        "fresh",
        "item",
        "leading",
        "request",
        "state",
    )

    name = "http"
    pairs = True

    item: HttpMessage | None

    def __init__(self, whole: bool) -> None:
        self.answer = Answer(NEED)
        self.state = HEADS
        self.item = None
        # Whether empty lines came before the head.
        self.leading = False
        # Whether nothing has been seen of the half, and it is seen from its start.
        self.fresh = whole
        self.request: Any = None
        self.certain = True

    def reset(self) -> None:
        """Begin anew."""
        self.state = HEADS
        self.leading = False
        self.fresh = False

    def say(self, kind: int, length: int, head: int) -> Answer:
        """Return an answer, in the one object that there is for it."""
        answer = self.answer
        answer.kind = kind
        answer.length = length
        answer.head = head
        answer.protocol = None
        answer.item = None
        answer.blocks = False
        answer.tunnels = False
        answer.interim = False
        answer.anomaly = None
        return answer

    def empty_lines(self, data: bytes, start: int) -> int:
        """Return how many bytes of empty lines there are."""
        at = start
        size = len(data)
        while at < size and (data[at] == CR or data[at] == LF):
            at += 1
        return at - start

    def begin_item(self, item: HttpMessage) -> None:
        """A message begins, and is the one whose chunks come."""
        self.item = item
        if self.leading:
            item.note("leading-crlf")
            self.leading = False
        self.fresh = False

    def begin_chunks(self, head: int) -> Answer:
        """Answer that a message begins whose body is chunked."""
        self.state = SIZE
        answer = self.say(PART, head, head)
        answer.item = self.item
        return answer

    def chunk(self, data: bytes, start: int, ended: bool) -> Answer:
        """Say how a chunked body goes on (RFC 9112 section 7.1)."""
        item: HttpMessage = self.item  # type: ignore[assignment]
        size = len(data)
        at = start
        if self.state == NEXT_SIZE:
            if at < size and data[at] == LF:
                item.note("lf-only")
                at += 1
            elif size - at >= 2 and data[at] == CR and data[at + 1] == LF:
                at += 2
            elif size - at < 2 and (at == size or data[at] == CR):
                return self.cut(size - start) if ended else self.say(NEED, 1, 0)
            else:
                return self.bad_chunk(0, "chunk-without-crlf")
        lf = native.find_byte(data, LF, at, size)
        value = 0
        digits = 0
        index = at
        while index < size:
            octet = data[index]
            if 48 <= octet <= 57:
                octet -= 48
            elif 97 <= octet | 32 <= 102:
                octet = (octet | 32) - 87
            else:
                break
            if value >= MAX_SHIFTED:
                return self.bad_chunk(at - start, "bad-chunk-size")
            value = value << 4 | octet
            digits += 1
            index += 1
        # Bytes that cannot be a size need not wait for the end of the line.
        if index < size and digits == 0:
            return self.bad_chunk(at - start, "bad-chunk-size")
        blank = index
        while index < size and (data[index] == SPACE or data[index] == TAB):
            index += 1
        if index < size and data[index] not in (CR, LF, SEMICOLON):
            return self.bad_chunk(at - start, "bad-chunk-size")
        if index + 1 < size and data[index] == CR and data[index + 1] != LF:
            return self.bad_chunk(at - start, "bad-chunk-size")
        if lf < 0:
            if size - at > MAX_SIZE_LINE:
                return self.bad_chunk(at - start, "bad-chunk-size")
            return self.cut(size - start) if ended else self.say(NEED, 1, 0)
        if index > blank:
            item.note("space-after-chunk-size")
        if data[lf - 1] != CR:
            item.note("lf-only")
        lf += 1
        if value:
            self.state = NEXT_SIZE
            framing = lf - start
            return self.say(PART, framing + min(value, MAX_LENGTH - framing), framing)
        return self.trailers(data, start, lf, ended)

    def trailers(self, data: bytes, start: int, at: int, ended: bool) -> Answer:
        """Say where a chunked body ends whose last chunk ended at ``at``."""
        item: HttpMessage = self.item  # type: ignore[assignment]
        begin = at
        size = len(data)
        while True:
            lf = native.find_byte(data, LF, at, size)
            if lf < 0:
                return self.cut(size - start) if ended else self.say(NEED, 1, 0)
            stop = line_end(data, at, lf)
            if stop == lf:
                item.note("lf-only")
            if stop == at:
                break
            if native.same(data, at, b"HTTP/"):
                # The next response, where the empty line should be.
                item.note("missing-last-crlf")
                lf = at - 1
                break
            at = lf + 1
        if at > begin:
            item.trailers_raw = data[begin:at]
        self.state = HEADS
        return self.say(MESSAGE, lf + 1 - start, lf + 1 - start)

    def bad_chunk(self, length: int, anomaly: str) -> Answer:
        """Answer that a chunked body ends here, since its sizes are none."""
        self.state = HEADS
        answer = self.say(BROKEN, length, length)
        answer.anomaly = anomaly
        return answer

    def cut(self, length: int) -> Answer:
        """Answer that the rest of the data is framing that a gap has cut."""
        self.state = HEADS
        return self.say(BROKEN, length, length)
