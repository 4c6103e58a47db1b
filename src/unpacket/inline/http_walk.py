"""HTTP/1 as it goes by: heads, framing and bodies, without waiting for whole ones.

Where messages begin and end is the business of the framers in ``messages.http``; here
their answers become spans of the bytes that are there.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from unpacket._core.reassembly.direction import Direction
from unpacket.messages.constants import MESSAGE, NEED, PART, SKIP, UNTIL_END
from unpacket.messages.framer import Framer
from unpacket.messages.http.framing import Http
from unpacket.messages.http.head import Request, Response

MAX_HEAD_BYTES = 1 << 16
MAX_REQUESTS = 1000
WITHOUT_END = 1 << 62


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes that belong together.

    Attributes:
        kind: ``head``, ``body``, ``framing`` (sizes of chunks, trailers, empty lines)
            or ``other``: no HTTP, and none from here on.
        item: The ``Request`` or ``Response``; None for others.
        ends: Whether the message ends with it.
    """

    kind: str
    data: bytes
    item: Any
    ends: bool = False


class HttpWalk:
    """Both directions of a stream."""

    def __init__(self) -> None:
        framer = Http()
        self._framers: tuple[Framer, Framer] = (
            framer.begin(0, True),
            framer.begin(1, True),
        )
        self._left = [0, 0]
        self._items: list[Any] = [None, None]
        self._ends = [False, False]
        # Requests that were not answered yet.
        self._requests: deque[Request] = deque()
        self._asked = False
        self.is_other = False
        # The request that the response at hand answers.
        self.asked: Request | None = None

    def take(self, direction: Direction, data: bytes, ended: bool) -> list[Span]:
        """Return the spans of what comes next; what they do not cover has to wait.

        Args:
            data: What was not covered before, and what is new.
            ended: Whether nothing follows in this direction.
        """
        spans: list[Span] = []
        at = 0
        while at < len(data):
            if self.is_other:
                spans.append(Span("other", data[at:], None))
                return spans
            left = self._left[direction]
            if left:
                body = data[at : at + left]
                at += len(body)
                self._left[direction] = left = left - len(body)
                ends = self._ends[direction] and not left
                spans.append(Span("body", body, self._items[direction], ends))
                continue
            before = at
            at = self._step(direction, data, at, ended, spans)
            if at == before and not self._left[direction] and not self.is_other:
                break
        return spans

    def _step(
        self,
        direction: Direction,
        data: bytes,
        at: int,
        ended: bool,
        spans: list[Span],
    ) -> int:
        """Ask the framer what begins; return where to go on."""
        framer = self._framers[direction]
        if direction is Direction.SERVER and not self._asked:
            self.asked = self._requests.popleft() if self._requests else None
            framer.expect(self.asked, True)
            self._asked = True
        answer = framer.frame(data, at, ended)
        kind = answer.kind
        if kind == NEED:
            if len(data) - at > MAX_HEAD_BYTES:
                self.is_other = True
            return at
        if kind == SKIP:
            stop = at + answer.length
            spans.append(Span("framing", data[at:stop], None))
            return stop
        if kind not in (MESSAGE, PART, UNTIL_END):
            self.is_other = True
            return at
        stop = at + answer.head
        ends = kind == MESSAGE and answer.length == answer.head
        if answer.item is not None:
            self._items[direction] = answer.item
            spans.append(Span("head", data[at:stop], answer.item, ends))
            if isinstance(answer.item, Request) and len(self._requests) < MAX_REQUESTS:
                self._requests.append(answer.item)
        elif answer.head:
            spans.append(Span("framing", data[at:stop], self._items[direction], ends))
        self._left[direction] = answer.length - answer.head
        self._ends[direction] = kind == MESSAGE
        if kind == UNTIL_END:
            self._left[direction] = WITHOUT_END
        if kind == MESSAGE and isinstance(self._items[direction], Response):
            # An interim response does not answer its request.
            self._asked = answer.interim
        if answer.tunnels:
            self.is_other = True
        return stop
