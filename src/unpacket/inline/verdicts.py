"""What an inspector is asked, and what it may answer.

An inspector is an object with ``inspect``, or a plain function of one argument. It is
asked once for each packet that causes events, before anything that the packet brought
goes on, and never again for the same bytes: a packet that brings nothing new gets the
verdict of its stream.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeAlias

from unpacket._core.reassembly.direction import Direction
from unpacket._core.reassembly.events import Event
from unpacket._core.reassembly.stream import Stream


class Verdict(Enum):
    """A verdict without details.

    Attributes:
        ACCEPT: What waits goes on as it is. ``None`` means the same.
        DROP: The packet does not go on, and from its first new byte nothing of this
            direction ever does; the other direction is not touched. At the start of
            a stream (``Opened``) it is for the whole stream.
        RESET: As DROP for both directions, and both ends get an RST.
    """

    ACCEPT = "accept"
    DROP = "drop"
    RESET = "reset"


ACCEPT, DROP, RESET = Verdict.ACCEPT, Verdict.DROP, Verdict.RESET


@dataclass(frozen=True, slots=True)
class Hold:
    """Let what waits wait for more; the next question has all of it in ``pending``.

    Attributes:
        max_bytes: Where more would wait than this, ``then`` is the verdict.
        seconds: The same after this long. The clock starts with the first byte that
            waits, and further Holds do not wind it up again.
        then: The verdict at either bound.
    """

    max_bytes: int = 1 << 16
    seconds: float = 1.0
    then: Verdict = ACCEPT

    def __post_init__(self) -> None:
        check_bounds(self.seconds, self.max_bytes, "max_bytes")


@dataclass(frozen=True, slots=True)
class Replace:
    """Let other bytes go on in the place of what waits; only with ``replaces``.

    Attributes:
        payload: In the place of all of ``pending`` but its last ``keep`` bytes, of
            any length. Empty: they are taken out.
        keep: How many of the last bytes shall wait for more, such as the beginning
            of a word.
        seconds: How long they may.
        then: The verdict on them after that.
    """

    payload: bytes
    keep: int = 0
    seconds: float = 0.2
    then: Verdict = ACCEPT

    def __post_init__(self) -> None:
        check_bounds(self.seconds, self.keep, "keep")
        if not isinstance(self.payload, bytes):
            raise TypeError(f"payload is {self.payload!r:.60}, and not bytes")


Answer: TypeAlias = Verdict | Hold | Replace | None


class Arrival:
    """A packet that brings something new, and what that is.

    Attributes:
        stream: Both ends with address and port, the state, what was said so far.
        direction: Who sent the packet.
        events: What it causes, in order; of this stream alone.
        pending: The bytes of this direction that wait for a verdict: what was held
            before, and what is new. These are what the receiver will read next.
        packet: The IP packet.
        time_ns: When it came.
    """

    __slots__ = ("direction", "events", "packet", "pending", "stream", "time_ns")

    def __init__(
        self,
        stream: Stream,
        direction: Direction,
        events: list[Event],
        pending: bytes,
        packet: bytes,
        time_ns: int,
    ) -> None:
        self.stream = stream
        self.direction = direction
        self.events = events
        self.pending = pending
        self.packet = packet
        self.time_ns = time_ns


class Inspector(Protocol):
    """What judges packets.

    Attributes:
        replaces: Whether ``inspect`` may return ``Replace``. Then nothing goes on
            out of order, since it could not be taken back.
    """

    replaces: bool

    def inspect(self, arrival: Arrival) -> Answer:
        """Return the verdict."""

    def ended(self, stream: Stream) -> None:
        """Forget what is kept for a stream: it has ended, or is followed no more."""


class FunctionInspector:
    """An inspector made of a function."""

    def __init__(self, function: Callable[[Arrival], Answer]) -> None:
        self.inspect = function
        self.replaces = bool(getattr(function, "replaces", False))

    def ended(self, stream: Stream) -> None:
        """Forget nothing."""


def as_inspector(thing: object) -> Inspector:
    """Return the inspector that an argument means.

    A class is called without arguments; a function is asked as it is, and may have
    an attribute ``replaces``.

    Raises:
        TypeError: It can be neither asked nor called.
    """
    if isinstance(thing, type):
        thing = thing()
    if hasattr(thing, "inspect"):
        if not hasattr(thing, "replaces") or not hasattr(thing, "ended"):
            raise TypeError(
                f"the inspector {type(thing).__name__} needs `replaces` and `ended`"
                " beside `inspect`"
            )
        return thing
    if callable(thing):
        return FunctionInspector(thing)
    raise TypeError(f"{thing!r:.60} is no inspector: it has no `inspect`")


def check_bounds(seconds: float, count: int, name: str) -> None:
    """Raise ValueError where a bound is none."""
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"seconds is {seconds}, and not a finite time")
    if count < 0:
        raise ValueError(f"{name} is {count}, and not a count")
