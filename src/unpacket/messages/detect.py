"""Which framer fits a stream: by its first bytes, and else by the server's port.

Content comes first, since anything is spoken on any port. A port decides only where
no byte contradicts it: the beginning of the stream was not captured, or the framer
does not know how its protocol begins.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from unpacket.messages.answers import Answer, refuse
from unpacket.messages.constants import (
    CANNOT_SAY,
    ITS_OWN,
    NOT_ITS_OWN,
    TOO_SHORT,
)
from unpacket.messages.framer import Framer
from unpacket.messages.tunnels import recognise

if TYPE_CHECKING:
    from unpacket import Stream
    from unpacket.messages.opening import Opening

# What no framer knows by then is unknown.
MAX_BYTES = 8192


class Choice(NamedTuple):
    """What a stream carries.

    Attributes:
        name: The protocol; ``unknown`` where nothing says it.
        framer: What cuts it into messages, or None.
        known_by: The reason: ``content``, or ``port 53``; None if there is none.
    """

    name: str
    framer: Framer | None
    known_by: str | None


class Detect(Framer):
    """Chooses the framer of each stream; it is none itself.

    Args:
        framers: Those to choose from, in the order of preference; by default one of
            each that has a name.
    """

    __slots__ = ("framers",)

    name = "detect"
    detects = True

    def __init__(self, framers: Sequence[Framer] | None = None) -> None:
        if framers is None:
            from unpacket.messages.framers.registry import all_framers

            framers = all_framers()
        self.framers = list(framers)

    def frame(self, data: bytes, start: int, ended: bool) -> Answer:
        """Refuse everything: nothing is asked before the choice."""
        return refuse()

    def choose(
        self, stream: "Stream", opening: "Opening", ended: bool
    ) -> Choice | None:
        """Return what a stream carries; None if more bytes have to be seen.

        Args:
            ended: Whether no more come, or may wait.
        """
        return detect(
            [bytes(first[:MAX_BYTES]) for first in opening.first],
            (stream.client.port, stream.server.port),
            self.framers,
            late=opening.late,
            ended=ended,
        )


class OrElse(Detect):
    """Chooses among some framers, and takes the first where nothing says which."""

    __slots__ = ()

    name = "or else"

    def choose(
        self, stream: "Stream", opening: "Opening", ended: bool
    ) -> Choice | None:
        """Return what a stream carries; None if more bytes have to be seen."""
        choice = super().choose(stream, opening, ended)
        if choice is None or choice.framer is not None:
            return choice
        return Choice(self.framers[0].name, self.framers[0], None)


def detect(
    first: Sequence[bytes],
    ports: Sequence[int],
    framers: Sequence[Framer],
    *,
    late: Sequence[bool] = (False, False),
    ended: bool = True,
) -> Choice | None:
    """Return what a stream carries; None if more bytes have to be seen.

    Args:
        first: The first bytes of what the client sent, and of what the server did.
        ports: Their ports. Where the beginning was not captured nobody may know who
            is the client, and either decides; else the server's does.
        framers: Those to choose from, in the order of preference.
        late: For both, whether those bytes are not the first of the stream.
        ended: Whether no more come.
    """
    # Whether one that is preferred may still turn out to fit: the choice must not
    # depend on how bytes are cut.
    more = False
    contradicted = set()
    for number, framer in enumerate(framers):
        verdicts = []
        for data, begins_late in zip(first, late, strict=True):
            full = ended or len(data) >= MAX_BYTES
            verdict = framer.begins(data, full) if data else CANNOT_SAY
            if verdict == ITS_OWN and not more:
                return Choice(framer.name, framer, "content")
            if verdict == NOT_ITS_OWN and begins_late:
                verdict = CANNOT_SAY
            verdicts.append(verdict)
            more = more or (verdict == TOO_SHORT and not full)
        if NOT_ITS_OWN in verdicts:
            contradicted.add(number)
        elif all(first):
            full = ended or all(len(data) >= MAX_BYTES for data in first)
            verdict = framer.together(first, full)
            if verdict == ITS_OWN and not more:
                return Choice(framer.name, framer, "content")
            more = more or (verdict == TOO_SHORT and not full)
    if not ended and (more or not has_spoken(first)):
        return None
    looked_at = ports if any(late) else ports[1:]
    for port in looked_at[::-1]:
        for number, framer in enumerate(framers):
            if number not in contradicted and port in framer.ports:
                return Choice(framer.name, framer, f"port {port}")
    return Choice(name_of(first, {framer.name for framer in framers}), None, None)


def name_of(first: Sequence[bytes], asked: set[str]) -> str:
    """Return the name of a protocol that no framer is for; ``unknown`` of others."""
    for data in first:
        name = recognise(data, 0)
        if name != "unknown" and name not in asked:
            return name
    return "unknown"


def has_spoken(first: Sequence[bytes]) -> bool:
    """Return whether both sides have, or one has said enough for both."""
    return all(first) or any(len(data) >= MAX_BYTES for data in first)
