"""Inspectors that are ready to use: block, log, and several in a row.

``replacing`` has the one that replaces text, ``hosts`` the one that lets through what
goes to certain hosts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import IO

from unpacket._core.reassembly.direction import Direction
from unpacket._core.reassembly.events import (
    Closed,
    Conflict,
    Data,
    Event,
    Finished,
    Opened,
)
from unpacket._core.reassembly.stream import Stream
from unpacket.faces.search import Pattern
from unpacket.inline.verdicts import ACCEPT, DROP, Answer, Arrival, Inspector, Verdict

# Of what came before, in each direction of each stream.
Tails = dict[tuple[Stream, Direction], bytes]


class Block:
    """Stops a stream before the last byte of a pattern goes on, however it is cut.

    Args:
        patterns: Plain bytes, or a ``faces.search.Pattern`` for expressions.
        verdict: DROP lets the sender try in vain; RESET ends the connection.
        direction: Only what this side sends; both if None.

    Attributes:
        blocked: How many directions were stopped.
    """

    replaces = False

    def __init__(
        self,
        *patterns: bytes | Pattern,
        verdict: Verdict = DROP,
        direction: Direction | None = None,
    ) -> None:
        if not patterns:
            raise ValueError("no pattern is given")
        self.blocked = 0
        self._patterns = [
            item if isinstance(item, Pattern) else Pattern(item, fixed=True)
            for item in patterns
        ]
        self._longest = max(pattern.max_match for pattern in self._patterns)
        self._verdict = verdict
        self._direction = direction
        self._tails: Tails = {}

    def inspect(self, arrival: Arrival) -> Answer:
        """Return the verdict for a packet that completes a pattern."""
        if self._direction not in (None, arrival.direction):
            return ACCEPT
        for event in arrival.events:
            if isinstance(event, Data):
                key = event.stream, event.direction
                text = self._tails.get(key, b"") + event.payload
                if any(p.find(text, 0, len(text)) for p in self._patterns):
                    self.blocked += 1
                    return self._verdict
                self._tails[key] = (
                    text[-(self._longest - 1) :] if self._longest > 1 else b""
                )
        return ACCEPT

    def ended(self, stream: Stream) -> None:
        """Forget the tails of a stream."""
        for direction in Direction:
            self._tails.pop((stream, direction), None)


class Log:
    """Writes a line of JSON for each event, and lets everything through.

    Args:
        file: Where to, for text.
        payload: Whether to write the bytes of ``Data`` too, as Latin-1 text.
    """

    replaces = False

    def __init__(self, file: IO[str], *, payload: bool = False) -> None:
        self._file = file
        self._payload = payload

    def inspect(self, arrival: Arrival) -> Answer:
        """Write the events."""
        for event in arrival.events:
            self._file.write(json.dumps(self._facts(event)) + "\n")
        return ACCEPT

    def ended(self, stream: Stream) -> None:
        """Keep nothing."""

    def _facts(self, event: Event) -> dict[str, object]:
        stream = event.stream
        facts: dict[str, object] = {
            "time_ns": event.time_ns,
            "event": type(event).__name__.lower(),
            "stream": stream.id,
            "client": str(stream.client),
            "server": str(stream.server),
        }
        if isinstance(event, Opened | Closed):
            if isinstance(event, Closed):
                facts["reason"] = event.reason
            return facts
        facts["direction"] = str(event.direction)
        if isinstance(event, Data):
            facts["offset"] = event.offset
            facts["length"] = len(event.payload)
            if self._payload:
                facts["payload"] = event.payload.decode("latin-1")
        elif isinstance(event, Conflict):
            facts["offset"] = event.offset
            facts["kept"] = event.kept.decode("latin-1")
            facts["other"] = event.other.decode("latin-1")
        elif not isinstance(event, Finished):
            facts["offset"] = event.offset
        return facts


class Chain:
    """Asks one inspector after the other; the first that does not accept decides.

    Those that look at ``events`` come first: one that is behind a ``Hold`` is not
    asked, and sees what was held only in ``pending``.
    """

    def __init__(self, inspectors: Sequence[Inspector]) -> None:
        self._inspectors = list(inspectors)
        self.replaces = any(inspector.replaces for inspector in inspectors)

    def inspect(self, arrival: Arrival) -> Answer:
        """Return the first verdict that is not ACCEPT."""
        for inspector in self._inspectors:
            answer = inspector.inspect(arrival)
            if answer is not None and answer is not ACCEPT:
                return answer
        return ACCEPT

    def ended(self, stream: Stream) -> None:
        """Let all of them forget a stream."""
        for inspector in self._inspectors:
            inspector.ended(stream)
