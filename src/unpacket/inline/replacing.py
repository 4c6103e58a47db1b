"""An inspector that replaces text, and keeps HTTP in order while it does.

Text of another length changes what HTTP says about lengths. Sizes of chunks are
written anew; a response with a Content-Length is sent in chunks, since its head has to
go before its end is known (RFC 9112 section 7.1); a request is short enough to wait
for, or stays as it is. What is compressed, or cannot be put in order, is let through
unchanged and counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from unpacket._core.reassembly.direction import Direction
from unpacket._core.reassembly.events import Data, Finished
from unpacket._core.reassembly.stream import Stream
from unpacket.inline.http_walk import HttpWalk, Span
from unpacket.inline.verdicts import ACCEPT, Answer, Arrival, Hold, Replace
from unpacket.messages.http.head import HttpMessage, Request, Response

# The first flight of a sender is ten segments (RFC 6928); what waits for an answer to
# more would wait for ever.
MAX_WHOLE_BYTES = 8192
# How long a part of a word may wait, and a head.
TAIL_S, HEAD_S = 0.2, 5.0
LAST_CHUNK = b"0\r\n\r\n"


@dataclass(slots=True)
class Side:
    """What is known of one direction.

    Attributes:
        kept: Bytes that were looked at, and wait in ``pending``.
        waits: How many bytes behind those were not looked at.
        mode: What becomes of the body at hand: ``same``, ``raw`` (its end is the
            stream's), ``chunked``, or ``whole`` (it waits for its end).
        owed: How many bytes the chunk that was begun still lacks.
        due: What has to go before anything else.
        refused: Whether the direction stays as it is.
    """

    kept: bytes = b""
    waits: int = 0
    mode: str = "same"
    owed: int = 0
    due: bytes = b""
    refused: bool = False
    begun: bool = False
    out: bytearray = field(default_factory=bytearray)


class ReplaceText:
    """Replaces a text wherever it stands, however it is cut into segments.

    Args:
        old: What is sought; not empty.
        new: What goes in its place, of any length.
        direction: Only in what this side sends; both if None.

    Attributes:
        replaced: How often it was.
        refused: How many messages or directions were left as they are, since their
            lengths could not be put in order.
    """

    replaces = True

    def __init__(
        self, old: bytes, new: bytes, *, direction: Direction | None = None
    ) -> None:
        if not old:
            raise ValueError("the text to be replaced is empty")
        self.replaced = 0
        self.refused = 0
        self._old = old
        self._new = new
        self._direction = direction
        self._sides: dict[tuple[Stream, Direction], Side] = {}
        self._walks: dict[Stream, HttpWalk] = {}

    def ended(self, stream: Stream) -> None:
        """Forget a stream."""
        self._walks.pop(stream, None)
        for direction in Direction:
            self._sides.pop((stream, direction), None)

    def inspect(self, arrival: Arrival) -> Answer:
        """Return what goes on in the place of what waits."""
        if not arrival.pending:
            return ACCEPT
        ended = any(isinstance(event, Finished) for event in arrival.events)
        is_wanted = self._direction in (None, arrival.direction)
        if len(self._old) == len(self._new):
            if not is_wanted:
                return ACCEPT
            return self._plain(arrival.pending, ended)
        key = arrival.stream, arrival.direction
        side = self._sides.get(key)
        if side is None:
            side = self._sides[key] = Side()
            if arrival.stream.is_partial:
                # It may be HTTP, and nobody knows where in it this is.
                self._refuse(side)
        self._note_loss(side, arrival)
        if side.refused:
            return ACCEPT
        walk = self._walks.setdefault(arrival.stream, HttpWalk())
        if walk.is_other and not side.kept and not side.due:
            return self._plain(arrival.pending, ended) if is_wanted else ACCEPT
        return self._in_http(arrival, side, walk, ended, is_wanted)

    def _plain(self, pending: bytes, ended: bool) -> Answer:
        out, keep = self._edited(pending, ended)
        return Replace(out, keep=keep, seconds=TAIL_S)

    def _edited(self, text: bytes, ended: bool) -> tuple[bytes, int]:
        """Return a text with all replaced, and how many of its last bytes wait."""
        parts = text.split(self._old)
        self.replaced += len(parts) - 1
        keep = 0 if ended else begun(parts[-1], self._old)
        if keep:
            parts[-1] = parts[-1][:-keep]
        return self._new.join(parts), keep

    def _note_loss(self, side: Side, arrival: Arrival) -> None:
        """Learn whether what waited went on meanwhile, as it was."""
        new = sum(len(e.payload) for e in arrival.events if isinstance(e, Data))
        expected = len(side.kept) + side.waits
        if not expected or len(arrival.pending) - new == expected:
            return
        if side.waits:
            self._refuse(side)
            return
        if side.mode == "whole":
            self.refused += 1
            side.mode = "same"
        if side.owed:
            side.owed -= len(side.kept)
            side.due = b"" if side.owed else b"\r\n"
        side.kept = b""

    def _refuse(self, side: Side) -> None:
        self.refused += 1
        side.refused = True
        side.kept, side.waits = b"", 0

    def _in_http(
        self,
        arrival: Arrival,
        side: Side,
        walk: HttpWalk,
        ended: bool,
        is_wanted: bool,
    ) -> Answer:
        data = arrival.pending[len(side.kept) :]
        side.out = bytearray(side.due)
        side.due = b""
        spans = walk.take(arrival.direction, data, ended)
        side.waits = len(data) - sum(len(span.data) for span in spans)
        for span in spans:
            if span.kind == "head":
                self._begin(side, span, walk, is_wanted)
            elif span.kind == "body":
                self._body(side, span, ended)
            elif span.kind == "framing":
                self._framing(side, span)
            elif is_wanted:
                self._loose(side, span.data, ended)
            else:
                side.out += span.data
        keep = len(side.kept) + side.waits
        if keep == len(arrival.pending) and not side.out:
            return Hold(max_bytes=1 << 17, seconds=HEAD_S)
        is_word = not side.waits and side.mode != "whole"
        seconds = TAIL_S if is_word else HEAD_S
        return Replace(bytes(side.out), keep=keep, seconds=seconds)

    def _begin(self, side: Side, span: Span, walk: HttpWalk, is_wanted: bool) -> None:
        """Begin a message: say what becomes of its body, and change its head."""
        item: HttpMessage = span.item
        head = span.data
        side.mode = "same"
        side.begun = False
        if isinstance(item, Request) and self._direction is not Direction.CLIENT:
            # What is compressed cannot be read here.
            head = without_field(head, b"accept-encoding")
        if span.ends or not is_wanted:
            side.out += head
            return
        coding = (item.header("content-encoding") or "identity").strip().lower()
        mode = "same" if coding != "identity" else mode_of(item, walk.asked)
        if mode == "same":
            self.refused += 1
        side.mode = mode
        if mode == "whole":
            side.kept = span.data
            return
        if isinstance(item, Response) and item.declared >= 0 and mode != "same":
            head = without_field(head, b"content-length")
            if mode == "chunked":
                head = with_field(head, b"Transfer-Encoding: chunked")
        side.out += head

    def _framing(self, side: Side, span: Span) -> None:
        """Pass sizes on, or leave out those that are written anew."""
        if side.mode != "chunked":
            side.out += span.data
        elif span.ends:
            self._chunk(side, b"", True)
            side.out += span.data.lstrip(b"\r\n")

    def _body(self, side: Side, span: Span, ended: bool) -> None:
        if side.mode == "same":
            side.out += span.data
        elif side.mode == "whole":
            side.kept += span.data
            if span.ends:
                self._whole(side, span.item)
        elif side.mode == "raw":
            self._loose(side, span.data, ended or span.ends)
        else:
            self._chunk(side, span.data, span.ends)
            if span.ends:
                side.out += LAST_CHUNK

    def _loose(self, side: Side, data: bytes, ended: bool) -> None:
        """Write what comes next where nobody counts bytes."""
        text = side.kept + data
        out, keep = self._edited(text, ended)
        side.out += out
        side.kept = text[len(text) - keep :]

    def _whole(self, side: Side, item: HttpMessage) -> None:
        """Write a message that has come whole, with its new length."""
        head, body = side.kept[: len(item.head)], side.kept[len(item.head) :]
        body, _ = self._edited(body, True)
        head = without_field(head, b"content-length")
        side.out += with_field(head, b"Content-Length: %d" % len(body)) + body
        side.kept = b""

    def _chunk(self, side: Side, data: bytes, ends: bool) -> None:
        """Write what comes next of a body as a chunk.

        A chunk counts the bytes at its end that wait here: should they go on as they
        are, since nothing follows in time, all is in order.
        """
        text = side.kept + data
        before = self.replaced
        out, keep = self._edited(text, ends)
        if len(out) < side.owed:
            # Too little would be left for the chunk that was begun.
            self.replaced = before
            out, keep = text, 0
            self.refused += 1
        side.kept = text[len(text) - keep :]
        if side.owed:
            filled = out[: side.owed]
            side.out += filled
            side.owed -= len(filled)
            out = out[len(filled) :]
            side.out += b"\r\n"
        if out or keep:
            side.out += b"%x\r\n" % (len(out) + keep) + out
            side.owed = keep
            if not keep:
                side.out += b"\r\n"


def mode_of(item: HttpMessage, asked: Request | None) -> str:
    """Return what can become of a body whose length changes."""
    if item.coding:
        return "chunked"
    if isinstance(item, Request):
        return "whole" if item.declared <= MAX_WHOLE_BYTES else "same"
    if item.declared < 0:
        return "raw"
    if item.version == "HTTP/1.1" and asked is not None and asked.version == "HTTP/1.1":
        return "chunked"
    connection = (item.header("connection") or "").lower()
    return "same" if "keep-alive" in connection else "raw"


def begun(text: bytes, word: bytes) -> int:
    """Return how many of the last bytes of a text may begin a word."""
    for count in range(min(len(word) - 1, len(text)), 0, -1):
        if text.endswith(word[:count]):
            return count
    return 0


def without_field(head: bytes, name: bytes) -> bytes:
    """Return a head without the fields of a name, in lower case."""
    lines = head.split(b"\n")
    kept = [line for line in lines if line.partition(b":")[0].strip().lower() != name]
    return b"\n".join(kept)


def with_field(head: bytes, line: bytes) -> bytes:
    """Return a head with one more field behind its first line."""
    first, end, rest = head.partition(b"\n")
    return first + end + line + b"\r\n" + rest
