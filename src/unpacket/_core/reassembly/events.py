"""What the assembler says happened: one small final class an event.

For each stream exactly: ``Opened``; then ``Data``, ``Gap`` and ``Urgent``, whose
ranges in each half join without overlap from offset 0; ``Finished`` at most once a
half; then ``Closed``. ``Conflict``, ``Rejected`` and the notes tell what happened to
bytes that are not, or not alone, in the stream.

Every event has ``stream``, and the ``frame`` (number, from 1) and ``time_ns``
(capture time, since the epoch) of the packet that caused it. Offsets and lengths
are in bytes.
"""

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from unpacket._core.decode.reasons import doubt_name
from unpacket._core.notebook import table
from unpacket._core.reassembly.direction import Direction

if TYPE_CHECKING:
    from unpacket._core.reassembly.held import Piece as HeldPiece
    from unpacket._core.reassembly.stream import Stream


class Piece(NamedTuple):
    """A run of delivered bytes that one packet carried."""

    offset: int
    length: int
    frame: int
    time_ns: int


def facts(event: Any) -> tuple[Any, ...]:
    """Return an event as a tuple: its kind, its stream's id, then its fields."""
    names = (*event.__match_args__[1:], "frame", "time_ns")
    fields = tuple(getattr(event, name) for name in names)
    return (type(event).__name__, event.stream.id, *fields)


def describe(event: Any) -> str:
    """Return what ``repr`` shows of an event."""
    kind, stream_id, *fields = facts(event)
    names = (*event.__match_args__[1:], "frame", "time_ns")
    pairs = zip(names, fields, strict=True)
    shown = ", ".join(f"{name}={value!r}" for name, value in pairs)
    return f"{kind}(stream={stream_id}, {shown})"


def described_in_html(event: Any) -> str:
    """Return the table that a notebook shows of an event."""
    names = (*event.__match_args__[1:], "frame", "time_ns")
    kind, _, *fields = facts(event)
    return table(f"{kind}: {event.stream}", (), zip(names, fields, strict=True))


class Opened:
    """A stream begins; its id, ends and roles are known."""

    __slots__ = ("frame", "stream", "time_ns")
    __match_args__ = ("stream",)

    def __init__(self, stream: "Stream", frame: int = 0, time_ns: int = 0) -> None:
        self.stream = stream
        self.frame = frame
        self.time_ns = time_ns

    def __repr__(self) -> str:
        return describe(self)

    def _repr_html_(self) -> str:
        return described_in_html(self)


class Data:
    """The next bytes of a half.

    Attributes:
        payload: The bytes, which no event repeats.
        ack: The acknowledgement number of the packet that carried the first of them;
            -1 where it had none. ``Stream.offset_of`` has the offset.
        acknowledged: False where the bytes were let go at the end of the stream
            without the acknowledgement that the policy asks for.
    """

    __slots__ = (
        "ack",
        "acknowledged",
        "direction",
        "doubts",
        "frame",
        "offset",
        "parts",
        "payload",
        "stream",
        "time_ns",
    )
    __match_args__ = ("stream", "direction", "offset", "payload")

    def __init__(
        self,
        stream: "Stream",
        direction: Direction,
        offset: int,
        payload: bytes,
        frame: int = 0,
        time_ns: int = 0,
        parts: "list[HeldPiece] | None" = None,
        ack: int = -1,
    ) -> None:
        self.stream = stream
        self.direction = direction
        self.offset = offset
        self.payload = payload
        self.frame = frame
        self.time_ns = time_ns
        self.parts = parts
        self.ack = ack
        self.acknowledged = True
        self.doubts = 0

    @property
    def doubt(self) -> str | None:
        """Why it had to be asked whether the receiver took these bytes, or None.

        One of the reasons of ``Rejected``: evidence was for the bytes, or there was
        none against them.
        """
        return doubt_name(self.doubts) if self.doubts else None

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """A ``Piece`` for each run of bytes that one packet carried, by offset."""
        if self.parts is not None:
            found: list[Piece] = []
            last = 0
            for part in self.parts:
                start = part.start
                if found and last == part.frame:
                    # Cut where another packet's bytes begin or end, which lost.
                    start = found.pop().offset
                last = part.frame
                found.append(Piece(start, part.stop - start, last, part.time_ns))
            return tuple(found)
        return (Piece(self.offset, len(self.payload), self.frame, self.time_ns),)

    def __repr__(self) -> str:
        return describe(self)

    def _repr_html_(self) -> str:
        return described_in_html(self)


class Gap:
    """Bytes of a half that were not captured or will not come.

    Attributes:
        reason: ``not_captured`` (the peer acknowledged them), ``unacknowledged``
            (it did not), ``unknown`` (the peer was never seen), ``truncated``
            (cut by the capture's snap length), ``limit`` (a bound was reached),
            ``skipped`` (the consumer went on). Or a frame had them that was
            rejected, for ``checksum``, ``no_ack``, ``ack``, ``md5``,
            ``ip_options``, ``ip_length``, ``timestamp``, ``window``,
            ``fast_open``, ``window_probe``, ``ttl``, ``after_fin``, ``fin`` or
            ``fragments``.
        at_end: Whether only the end of the stream made it one: until then its
            bytes could have come.
    """

    __slots__ = (
        "at_end",
        "direction",
        "frame",
        "length",
        "offset",
        "reason",
        "stream",
        "time_ns",
    )
    __match_args__ = ("stream", "direction", "offset", "length", "reason")

    def __init__(
        self,
        stream: "Stream",
        direction: Direction,
        offset: int,
        length: int,
        reason: str,
        frame: int = 0,
        time_ns: int = 0,
        at_end: bool = False,
    ) -> None:
        self.stream = stream
        self.direction = direction
        self.offset = offset
        self.length = length
        self.reason = reason
        self.frame = frame
        self.time_ns = time_ns
        self.at_end = at_end

    def __repr__(self) -> str:
        return describe(self)

    def _repr_html_(self) -> str:
        return described_in_html(self)


class Urgent:
    """A byte that a program reads apart from the stream (``MSG_OOB``).

    It has its offset, and is no part of what the stream carries. Only a policy with
    ``urgent="out_of_line"`` has such bytes.

    Attributes:
        payload: The byte.
    """

    __slots__ = ("direction", "frame", "offset", "payload", "stream", "time_ns")
    __match_args__ = ("stream", "direction", "offset", "payload")

    def __init__(
        self,
        stream: "Stream",
        direction: Direction,
        offset: int,
        payload: bytes,
        frame: int = 0,
        time_ns: int = 0,
    ) -> None:
        self.stream = stream
        self.direction = direction
        self.offset = offset
        self.payload = payload
        self.frame = frame
        self.time_ns = time_ns

    def __repr__(self) -> str:
        return describe(self)

    def _repr_html_(self) -> str:
        return described_in_html(self)


class Conflict:
    """Two segments claim different bytes for the same offsets.

    Attributes:
        kept: The bytes that are, or will be, in the stream.
        other: The bytes that are not.
        kept_frame: The packet that carried the former.
        other_frame: The packet that carried the latter.
    """

    __slots__ = (
        "direction",
        "frame",
        "kept",
        "kept_frame",
        "offset",
        "other",
        "other_frame",
        "stream",
        "time_ns",
    )
    __match_args__ = (
        "stream",
        "direction",
        "offset",
        "kept",
        "other",
        "kept_frame",
        "other_frame",
    )

    def __init__(
        self,
        stream: "Stream",
        direction: Direction,
        offset: int,
        kept: bytes,
        other: bytes,
        kept_frame: int = 0,
        other_frame: int = 0,
        frame: int = 0,
        time_ns: int = 0,
    ) -> None:
        self.stream = stream
        self.direction = direction
        self.offset = offset
        self.kept = kept
        self.other = other
        self.kept_frame = kept_frame
        self.other_frame = other_frame
        self.frame = frame
        self.time_ns = time_ns

    def __repr__(self) -> str:
        return describe(self)

    def _repr_html_(self) -> str:
        return described_in_html(self)


class Rejected:
    """A segment that the receiving host would not have accepted.

    Attributes:
        reason: ``checksum``, ``no_ack``, ``ack``, ``md5``, ``ip_options``,
            ``ip_length``, ``timestamp``, ``window``, ``fast_open``,
            ``window_probe``, ``ttl``, ``after_fin``, ``fin``, ``fragments``, ``rst`` or
            ``syn``.
        offset: Where its bytes would have been; None where that is not known.
        payload: What it carried, as evidence.
    """

    __slots__ = (
        "direction",
        "frame",
        "offset",
        "payload",
        "reason",
        "stream",
        "time_ns",
    )
    __match_args__ = ("stream", "direction", "reason", "offset", "payload")

    def __init__(
        self,
        stream: "Stream",
        direction: Direction,
        reason: str,
        offset: int | None = None,
        payload: bytes = b"",
        frame: int = 0,
        time_ns: int = 0,
    ) -> None:
        self.stream = stream
        self.direction = direction
        self.reason = reason
        self.offset = offset
        self.payload = payload
        self.frame = frame
        self.time_ns = time_ns

    def __repr__(self) -> str:
        return describe(self)

    def _repr_html_(self) -> str:
        return described_in_html(self)


class Note:
    """A segment that changed nothing yet, told only where notes are asked for.

    Attributes:
        kind: ``out_of_order`` (the segment now waits), ``duplicate``,
            ``keep_alive``, ``late`` (the stream was closed already), or ``copy``:
            any of the first three, and what the capture has of it twice.
        seq: Its sequence number on the wire.
        payload: What it carried.
    """

    __slots__ = (
        "direction",
        "frame",
        "kind",
        "offset",
        "payload",
        "seq",
        "stream",
        "time_ns",
    )
    __match_args__ = ("stream", "direction", "kind", "offset", "seq", "payload")

    def __init__(
        self,
        stream: "Stream",
        direction: Direction,
        kind: str,
        offset: int = 0,
        seq: int = 0,
        payload: bytes = b"",
        frame: int = 0,
        time_ns: int = 0,
    ) -> None:
        self.stream = stream
        self.direction = direction
        self.kind = kind
        self.offset = offset
        self.seq = seq
        self.payload = payload
        self.frame = frame
        self.time_ns = time_ns

    def __repr__(self) -> str:
        return describe(self)

    def _repr_html_(self) -> str:
        return described_in_html(self)


class Finished:
    """A half is whole: its FIN, and everything before it, has been dealt with."""

    __slots__ = ("direction", "frame", "stream", "time_ns")
    __match_args__ = ("stream", "direction")

    def __init__(
        self, stream: "Stream", direction: Direction, frame: int = 0, time_ns: int = 0
    ) -> None:
        self.stream = stream
        self.direction = direction
        self.frame = frame
        self.time_ns = time_ns

    def __repr__(self) -> str:
        return describe(self)

    def _repr_html_(self) -> str:
        return described_in_html(self)


class Closed:
    """A stream has ended; nothing of it follows.

    Attributes:
        reason: ``fin``, ``rst``, ``timeout``, ``buffer_limit``, ``memory_limit``,
            ``reused``, ``end_of_capture``, ``user`` or ``interrupted``: the capture
            goes on, and reading has ended.
    """

    __slots__ = ("frame", "reason", "stream", "time_ns")
    __match_args__ = ("stream", "reason")

    def __init__(
        self, stream: "Stream", reason: str, frame: int = 0, time_ns: int = 0
    ) -> None:
        self.stream = stream
        self.reason = reason
        self.frame = frame
        self.time_ns = time_ns

    def __repr__(self) -> str:
        return describe(self)

    def _repr_html_(self) -> str:
        return described_in_html(self)


Event: TypeAlias = (
    Opened | Data | Gap | Urgent | Conflict | Rejected | Note | Finished | Closed
)


def opened(stream: "Stream", frame: int, time_ns: int) -> Opened:
    """Return an Opened event, without a call through Python."""
    event = Opened.__new__(Opened)
    event.stream = stream
    event.frame = frame
    event.time_ns = time_ns
    return event


def finished(
    stream: "Stream", direction: Direction, frame: int, time_ns: int
) -> Finished:
    """Return a Finished event, without a call through Python."""
    event = Finished.__new__(Finished)
    event.stream = stream
    event.direction = direction
    event.frame = frame
    event.time_ns = time_ns
    return event


def closed(stream: "Stream", reason: str, frame: int, time_ns: int) -> Closed:
    """Return a Closed event, without a call through Python."""
    event = Closed.__new__(Closed)
    event.stream = stream
    event.reason = reason
    event.frame = frame
    event.time_ns = time_ns
    return event
