"""Events and whole streams of a capture: the faces for programs that read to the end.

``events`` tells what happens as it happens, ``summaries`` what each stream was, and
``streams`` gives the bytes as well.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any, NamedTuple

from unpacket import sources
from unpacket._core.assembler import Assembler
from unpacket._core.events import (
    CLIENT,
    SERVER,
    Closed,
    Conflict,
    Data,
    Direction,
    Gap,
    Rejected,
)
from unpacket._core.state import Endpoint, Stream
from unpacket.policy import Policy
from unpacket.spool import Spool

SPILL_BYTES = 64 << 20

# How many rejected segments and conflicts a stream keeps as evidence; all are counted.
MAX_EVIDENCE = 64

_DIRECTIONS = (CLIENT, SERVER)
# A piece is four numbers in an array: offset, length, frame, time_ns.
_PIECE = 4


class Missing(NamedTuple):
    """A gap of one direction, in bytes of stream offset."""

    offset: int
    length: int
    reason: str


class Chunk(NamedTuple):
    """Delivered bytes that one packet carried."""

    direction: Direction
    offset: int
    payload: bytes
    frame: int
    time_ns: int


class Hole(NamedTuple):
    """A gap in a conversation."""

    direction: Direction
    offset: int
    length: int
    reason: str


class Summary:
    """What a stream was, without its bytes.

    Attributes:
        id: From 0, in the order of first packets.
        client, server: The ends.
        role_evidence: ``syn``, ``syn_ack``, ``port`` or ``first``.
        first_ns, last_ns: Times of its first and last packet.
        packets, bytes: Of the client and of the server: packets sent before the
            stream closed, and bytes delivered without gaps.
        sha256: Hexadecimal, of the client's and of the server's delivered bytes in
            order of offset; None where no digest was asked for.
        gaps: Lists of ``Missing``, of the client and of the server.
        conflicts: How many conflicts there were.
        rejected: How many segments were rejected, by reason.
        close_reason: See ``Closed``.
        complete: Whether start and end were seen, with no gap and no conflict.
    """

    def __init__(
        self,
        stream: Stream,
        gaps: tuple[list[Missing], list[Missing]],
        sha256: tuple[str, str] | None,
    ) -> None:
        counts = [stream.counts(direction) for direction in _DIRECTIONS]
        self.id: int = stream.id
        self.client: Endpoint = stream.client
        self.server: Endpoint = stream.server
        self.role_evidence: str = stream.role_evidence
        self.first_ns: int = stream.first_ns
        self.last_ns: int = stream.last_ns
        self.first_frame: int = stream.first_frame
        self.packets = (counts[0]["packets"], counts[1]["packets"])
        self.bytes = (counts[0]["delivered_bytes"], counts[1]["delivered_bytes"])
        self.gaps = gaps
        self.sha256 = sha256
        self.conflicts: int = counts[0]["conflicts"] + counts[1]["conflicts"]
        self.rejected: dict[str, int] = {}
        for count in counts:
            for reason, times in count["rejected"].items():
                self.rejected[reason] = self.rejected.get(reason, 0) + times
        self.close_reason: str | None = stream.close_reason
        self.complete: bool = stream.complete
        self.counts = (counts[0], counts[1])

    def to_dict(self) -> dict[str, Any]:
        """Return the record that ``unpacket streams --json`` prints."""
        record: dict[str, Any] = {
            "id": self.id,
            "client": self.client._asdict(),
            "server": self.server._asdict(),
            "role_evidence": self.role_evidence,
            "first_ns": self.first_ns,
            "last_ns": self.last_ns,
            "packets": _by_side(self.packets),
            "bytes": _by_side(self.bytes),
        }
        if self.sha256 is not None:
            record["sha256"] = _by_side(self.sha256)
        gaps = [[gap._asdict() for gap in side] for side in self.gaps]
        record["gaps"] = _by_side(gaps)
        record["conflicts"] = self.conflicts
        record["rejected"] = self.rejected
        record["close_reason"] = self.close_reason
        record["complete"] = self.complete
        return record

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.client} > {self.server}>"


def _by_side(pair: Any) -> dict[str, Any]:
    return {"client": pair[0], "server": pair[1]}


class _Side:
    """What was collected of one direction."""

    __slots__ = ("digest", "ends", "gaps", "pieces")

    def __init__(self) -> None:
        self.pieces = array("q")
        self.gaps: list[Missing] = []
        self.ends: list[int] = []
        self.digest: Any = None


class WholeStream(Summary):
    """A stream with its bytes, as ``streams`` gives it once the stream has closed.

    ``client_data`` and ``server_data`` are the delivered bytes in order of offset,
    gaps left out; ``read`` takes a part without loading all. Payload beyond a bound
    lies in a temporary file, which ``close`` (or the end of a ``with`` block, or of
    the object) removes.
    """

    def __init__(self, stream: Stream, collected: _Collected) -> None:
        sides = collected.sides
        super().__init__(stream, (sides[0].gaps, sides[1].gaps), None)
        self._sides = sides
        self._spools = collected.spools
        self._order = collected.order
        self.conflict_events: list[Conflict] = collected.conflicts
        self.rejected_events: list[Rejected] = collected.rejected

    @property
    def client_data(self) -> bytes:
        """What the client sent."""
        return self.data(CLIENT)

    @property
    def server_data(self) -> bytes:
        """What the server sent."""
        return self.data(SERVER)

    @property
    def client_gaps(self) -> list[Missing]:
        """What is missing of what the client sent."""
        return self._sides[0].gaps

    @property
    def server_gaps(self) -> list[Missing]:
        """What is missing of what the server sent."""
        return self._sides[1].gaps

    @property
    def spilled(self) -> bool:
        """Whether payload lies in a temporary file."""
        return any(spool.spilled for spool in self._spools)

    def data(self, direction: Direction | int) -> bytes:
        """Return the delivered bytes of a direction, gaps left out."""
        spool = self._spools[direction]
        return spool.read(0, len(spool))

    def read(self, direction: Direction | int, start: int, stop: int) -> bytes:
        """Return the delivered bytes of the offsets ``[start, stop)``."""
        return self._spools[direction].read(
            self._position(direction, start), self._position(direction, stop)
        )

    def _position(self, direction: Direction | int, offset: int) -> int:
        """Return how many bytes were delivered before ``offset``."""
        side = self._sides[direction]
        if len(side.ends) != len(side.gaps):
            side.ends = [gap.offset for gap in side.gaps]
        missing = 0
        for gap in side.gaps[: bisect_right(side.ends, offset)]:
            missing += min(gap.offset + gap.length, offset) - gap.offset
        return max(0, offset - missing)

    @property
    def chunks(self) -> Iterator[Chunk]:
        """Every delivered piece, in the order of delivery."""
        return (item for item in self.conversation() if isinstance(item, Chunk))

    def conversation(self) -> Iterator[Chunk | Hole]:
        """Give pieces and gaps of both directions in the order of delivery.

        Under ``deliver="acked"`` that order is causal: what was asked comes before
        what was answered.
        """
        pieces = [0, 0]
        gaps = [0, 0]
        for code in self._order:
            side = code & 1
            direction = _DIRECTIONS[side]
            if code < 2:
                at = pieces[side]
                pieces[side] = at + _PIECE
                offset, length, frame, time_ns = self._sides[side].pieces[
                    at : at + _PIECE
                ]
                payload = self.read(side, offset, offset + length)
                yield Chunk(direction, offset, payload, frame, time_ns)
            else:
                gap = self._sides[side].gaps[gaps[side]]
                gaps[side] += 1
                yield Hole(direction, *gap)

    def frames(self, direction: Direction | int, start: int, stop: int) -> list[int]:
        """Return the numbers of the frames that carried ``[start, stop)``, sorted."""
        pieces = self._sides[direction].pieces
        low = 0
        high = len(pieces) // _PIECE
        while low < high:
            middle = (low + high) // 2
            at = middle * _PIECE
            if pieces[at] + pieces[at + 1] <= start:
                low = middle + 1
            else:
                high = middle
        found = set()
        for at in range(low * _PIECE, len(pieces), _PIECE):
            if pieces[at] >= stop:
                break
            found.add(pieces[at + 2])
        return sorted(found)

    def digest(self, direction: Direction | int) -> str:
        """Return the SHA-256 of the delivered bytes of a direction, hexadecimal."""
        hashed = hashlib.sha256()
        spool = self._spools[direction]
        for start in range(0, len(spool), 1 << 20):
            hashed.update(spool.read(start, start + (1 << 20)))
        return hashed.hexdigest()

    def close(self) -> None:
        """Let go of the payload."""
        for spool in self._spools:
            spool.close()

    def __enter__(self) -> WholeStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Collected:
    """What is known of a stream that still lives."""

    __slots__ = ("conflicts", "order", "rejected", "sides", "spools")

    def __init__(self, spill_bytes: int) -> None:
        self.sides = (_Side(), _Side())
        self.spools = (Spool(spill_bytes), Spool(spill_bytes))
        self.order = array("b")
        self.conflicts: list[Conflict] = []
        self.rejected: list[Rejected] = []

    def data(self, event: Data) -> None:
        direction: int = event.direction
        pieces = self.sides[direction].pieces
        for piece in event.pieces:
            pieces.extend(piece)
            self.order.append(direction)
        self.spools[direction].append(event.payload)

    def gap(self, event: Gap) -> None:
        direction: int = event.direction
        missing = Missing(event.offset, event.length, event.reason)
        self.sides[direction].gaps.append(missing)
        self.order.append(2 + direction)


def events(
    source: Any,
    *,
    policy: Policy | None = None,
    data: bool = True,
    notes: bool = False,
    link_type: int | str | None = None,
    strict: bool = False,
    progress: Callable[[int, int | None], object] | None = None,
) -> Iterator[Any]:
    """Give the events of a capture as they happen.

    Args:
        source: A path, ``"-"``, a binary file, an iterable of packets, or an open
            ``Source``.
        data: Whether to give ``Data``; without it no payload is copied.
        notes: Whether to give ``Note``.
        link_type: What ``bytes`` packets begin with; Ethernet if None.
        strict: Whether a damaged capture raises ``FormatError``, and not only warns.

    Raises:
        SourceError: The source cannot be read, or is no capture.
    """
    assembler = Assembler(policy, data=data, notes=notes)
    opened: AbstractContextManager[sources.Source]
    if isinstance(source, sources.Source):
        # Whoever opened it closes it.
        opened = nullcontext(source)
    else:
        opened = sources.open(
            source, strict=strict, link_type=link_type, progress=progress
        )
    with opened as batches:
        for batch in batches:
            yield from assembler.feed(batch)
    yield from assembler.finish()


def summaries(
    source: Any, *, policy: Policy | None = None, digest: bool = False, **options: Any
) -> Iterator[Summary]:
    """Give what each stream of a capture was, as the streams close.

    No payload is kept; without ``digest`` none is even copied. ``options`` are those
    of ``events``.
    """
    live: dict[int, tuple[_Side, _Side]] = {}
    for event in events(source, policy=policy, data=digest, **options):
        kind = type(event)
        if kind is Data:
            side = _sides(live, event)[event.direction]
            if side.digest is None:
                side.digest = hashlib.sha256()
            side.digest.update(event.payload)
        elif kind is Gap:
            side = _sides(live, event)[event.direction]
            side.gaps.append(Missing(event.offset, event.length, event.reason))
        elif kind is Closed:
            sides = live.pop(event.stream.id, None) or (_Side(), _Side())
            hashes = (_hex(sides[0]), _hex(sides[1])) if digest else None
            yield Summary(event.stream, (sides[0].gaps, sides[1].gaps), hashes)


def _sides(
    live: dict[int, tuple[_Side, _Side]], event: Data | Gap
) -> tuple[_Side, _Side]:
    stream_id = event.stream.id
    sides = live.get(stream_id)
    if sides is None:
        sides = live[stream_id] = (_Side(), _Side())
    return sides


def _hex(side: _Side) -> str:
    digest = hashlib.sha256() if side.digest is None else side.digest
    return str(digest.hexdigest())


def streams(
    source: Any,
    *,
    policy: Policy | None = None,
    spill_bytes: int = SPILL_BYTES,
    **options: Any,
) -> Iterator[WholeStream]:
    """Give the whole streams of a capture, as they close.

    Args:
        spill_bytes: How many bytes of a stream's direction stay in memory; more goes
            to a temporary file.

    ``source``, ``policy`` and ``options`` are those of ``events``.
    """
    return _collect(
        events(source, policy=policy, data=True, **options), spill_bytes=spill_bytes
    )


def _collect(happening: Iterable[Any], spill_bytes: int) -> Iterator[WholeStream]:
    live: dict[int, _Collected] = {}
    for event in happening:
        stream_id = event.stream.id
        collected = live.get(stream_id)
        if collected is None:
            collected = live[stream_id] = _Collected(spill_bytes)
        kind = type(event)
        if kind is Data:
            collected.data(event)
        elif kind is Gap:
            collected.gap(event)
        elif kind is Conflict:
            if len(collected.conflicts) < MAX_EVIDENCE:
                collected.conflicts.append(event)
        elif kind is Rejected:
            if len(collected.rejected) < MAX_EVIDENCE:
                collected.rejected.append(event)
        elif kind is Closed:
            del live[stream_id]
            yield WholeStream(event.stream, collected)
