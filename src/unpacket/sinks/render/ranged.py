"""Some of the data of a stream, counted by what each frame has brought."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from unpacket._core.reassembly.events import Data, Gap
from unpacket.sinks.render.follow import Renderer, pieces


class Ranged:
    """Renders only some of the data of a stream.

    Args:
        first, last: Which, from 1; what a frame has brought is one, and a gap is one.
    """

    def __init__(self, rendering: Renderer, first: int, last: int) -> None:
        self.separator = rendering.separator
        self._rendering = rendering
        self._first = first
        self._last = last
        self._count = 0

    def render(self, event: Any) -> bytes:
        if isinstance(event, Data):
            return b"".join(
                self._rendering.render(one) for one in apart(event) if self._counts()
            )
        if isinstance(event, Gap) and not self._counts():
            return b""
        return self._rendering.render(event)

    def _counts(self) -> bool:
        self._count += 1
        return self._first <= self._count <= self._last


def apart(event: Data) -> Iterator[Data]:
    """Give an event for what each frame has brought of one."""
    if len(event.pieces) == 1 or not event.acknowledged:
        yield event
        return
    for piece, payload in pieces(event):
        yield Data(
            event.stream,
            event.direction,
            piece.offset,
            payload,
            piece.frame,
            piece.time_ns,
        )
