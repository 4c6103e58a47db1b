"""A whole stream: what both sides sent, which packets carried it, in what order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from types import TracebackType
from typing import Any, Literal, NamedTuple, get_args

from unpacket._core.notebook import LONGEST_TEXT, record
from unpacket._core.reassembly.direction import CLIENT, SERVER, Direction, as_direction
from unpacket._core.reassembly.events import Conflict, Gap, Rejected
from unpacket._core.reassembly.stream import Stream
from unpacket.errors import GapError, LimitError
from unpacket.records.collected import (
    UNACKNOWLEDGED,
    Collected,
    CollectedSide,
    Evidence,
)
from unpacket.records.spool import BlockFile
from unpacket.records.summary import Summary

_DIRECTIONS = (CLIENT, SERVER)
_BLOCK_BYTES = 1 << 20

Gaps = Literal["error", "join", "zeros"]
GAPS: tuple[str, ...] = get_args(Gaps)
# A capture of some frames may lack gigabytes, and nobody wants as many zeros.
MOST_ZERO_BYTES = 1 << 28
_NO_END = 1 << 62


class Chunk(NamedTuple):
    """Delivered bytes that one packet carried.

    Attributes:
        acknowledged: False where they were let go at the end of the stream without
            the acknowledgement that the policy asks for.
    """

    direction: Direction
    offset: int
    payload: bytes
    frame: int
    time_ns: int
    acknowledged: bool = True

    def _repr_html_(self) -> str:
        return record(self)


class WholeStream(Summary):
    """A stream with its bytes, as ``streams`` gives it once the stream has closed.

    ``client_data`` and ``server_data`` are the delivered bytes in order of offset. If
    bytes are missing they raise ``GapError``, since joined bytes were never sent.
    ``runs`` gives the pieces between gaps, and ``read`` a part without loading all. A
    large stream is in a temporary file, which ``close`` removes (or the end of a
    ``with`` block, or of the object).

    A copy, or an unpickled stream, has all of the bytes in memory, and its own
    ``close``. To send only facts to another process, use ``summaries``.
    """

    __slots__ = ("_collected", "_missing")

    def __init__(self, facts: Stream, collected: Collected) -> None:
        super().__init__(facts, collected.trouble)
        self._collected = collected
        self._missing: tuple[list[int], list[int]] | None = None

    def _byte_counts(self) -> tuple[int, int]:
        """Where TLS was decrypted they are those that it carried."""
        collected = self._collected
        if collected.carried is None:
            return super()._byte_counts()
        collected.settled()
        return collected.carried[0], collected.carried[1]

    @property
    def conflict_events(self) -> list[Conflict]:
        """The first conflicts; ``conflicts`` counts all."""
        trouble = self._collected.trouble
        return [] if trouble is None else trouble.conflict_events

    @property
    def rejected_events(self) -> list[Rejected]:
        """The first rejected segments; ``rejected`` counts all."""
        trouble = self._collected.trouble
        return [] if trouble is None else trouble.rejected_events

    @property
    def client_data(self) -> bytes:
        """What the client sent.

        Raises:
            GapError: Bytes are missing; ``data`` and ``runs`` give the others.
        """
        return self.data(CLIENT)

    @property
    def server_data(self) -> bytes:
        """What the server sent.

        Raises:
            GapError: Bytes are missing; ``data`` and ``runs`` give the others.
        """
        return self.data(SERVER)

    @property
    def client_gaps(self) -> list[Gap]:
        """The gaps in what the client sent."""
        return self.gaps[CLIENT]

    @property
    def server_gaps(self) -> list[Gap]:
        """The gaps in what the server sent."""
        return self.gaps[SERVER]

    @property
    def spilled(self) -> bool:
        """Whether payload lies in a temporary file."""
        return any(side.payload.spilled for side in self._collected.settled())

    def data(self, direction: Direction | int, gaps: Gaps = "error") -> bytes:
        """Return the delivered bytes of a direction.

        Args:
            gaps: What to do about missing bytes. ``error`` raises. ``join`` joins the
                bytes around them, so positions are not offsets of the stream, and a
                search may find bytes that nobody sent. ``zeros`` puts zeros in their
                place, so positions are offsets.

        Raises:
            GapError: Bytes are missing, with ``error``.
            LimitError: There would be more than ``MOST_ZERO_BYTES`` zeros.
        """
        sender = as_direction(direction)
        if self._is_joined(sender, gaps):
            return self._joined(sender)
        missing = sum(gap.length for gap in self.gaps[sender])
        return self._filled(sender, 0, self.bytes[sender] + missing)

    def runs(self, direction: Direction | int) -> Iterator[tuple[int, bytes]]:
        """Give what lies between the gaps of a direction, each with its offset.

        The offsets are those of ``read``, ``frames`` and ``Gap``.
        """
        sender = as_direction(direction)
        start = 0
        for gap in self.gaps[sender]:
            if gap.offset > start:
                yield start, self.read(sender, start, gap.offset)
            start = gap.offset + gap.length
        stop = self.bytes[sender] + sum(gap.length for gap in self.gaps[sender])
        if stop > start:
            yield start, self.read(sender, start, stop)

    def read(
        self, direction: Direction | int, start: int, stop: int, gaps: Gaps = "error"
    ) -> bytes:
        """Return the delivered bytes of the offsets ``[start, stop)``.

        Args:
            gaps: What becomes of bytes that are missing of these; see ``data``.

        Raises:
            GapError, LimitError: As ``data`` does.
        """
        sender = as_direction(direction)
        if self._is_joined(sender, gaps, start, stop):
            return self._collected.settled()[sender].payload.read(
                self._position(sender, start), self._position(sender, stop)
            )
        missing = sum(gap.length for gap in self.gaps[sender])
        end = self.bytes[sender] + missing
        return self._filled(sender, max(0, start), min(stop, end))

    def _is_joined(
        self, sender: Direction, gaps: Gaps, start: int = 0, stop: int = _NO_END
    ) -> bool:
        """Return whether bytes are to stand side by side.

        Raises:
            GapError: They are not, and some of ``[start, stop)`` are missing.
            ValueError: ``gaps`` is no such word.
        """
        if gaps == "join":
            return True
        if gaps not in GAPS:
            raise ValueError(f"gaps must be one of {', '.join(GAPS)}, not {gaps!r}")
        for gap in self.gaps[sender]:
            if gap.offset < stop and gap.offset + gap.length > start < stop:
                if gaps == "zeros":
                    return False
                count = len(self.gaps[sender])
                where = gap.offset, gap.length, gap.reason
                raise GapError(self.id, str(sender), *where, count)
        return True

    def _joined(self, sender: Direction) -> bytes:
        collected = self._collected
        if collected.sides is None:
            return b"".join(
                [
                    event.payload
                    for event in collected.fresh
                    if event.direction is sender
                ]
            )
        payload = collected.settled()[sender].payload
        return payload.read(0, len(payload))

    def _filled(self, sender: Direction, start: int, stop: int) -> bytes:
        """Return the bytes of ``[start, stop)``, with zeros for those missing."""
        parts: list[bytes] = []
        zero_bytes = 0
        position = start
        for gap in self.gaps[sender]:
            low = max(start, gap.offset)
            high = min(stop, gap.offset + gap.length)
            if low >= high:
                continue
            zero_bytes += high - low
            if zero_bytes > MOST_ZERO_BYTES:
                raise LimitError("MOST_ZERO_BYTES", MOST_ZERO_BYTES)
            parts.append(self.read(sender, position, low))
            parts.append(bytes(high - low))
            position = high
        parts.append(self.read(sender, position, stop))
        return b"".join(parts)

    def _position(self, direction: Direction | int, offset: int) -> int:
        """Return how many bytes were delivered before ``offset``."""
        gaps = self.gaps[direction]
        if not gaps:
            return max(0, offset)
        if self._missing is None:
            self._missing = (running(self.gaps[CLIENT]), running(self.gaps[SERVER]))
        before = bisect_right(gaps, offset, key=gap_offset)
        if before == 0:
            return max(0, offset)
        last = gaps[before - 1]
        missing = self._missing[direction][before - 1]
        return max(offset, last.offset + last.length) - missing

    @property
    def chunks(self) -> Iterator[Chunk]:
        """Every delivered piece, in the order of delivery."""
        return (item for item in self.conversation() if isinstance(item, Chunk))

    def conversation(self) -> Iterator[Chunk | Gap]:
        """Give pieces and gaps of both directions in the order of delivery.

        Under ``deliver="acked"`` that order is causal: what was asked comes before
        what was answered.
        """
        sides = [self._in_turn(direction) for direction in _DIRECTIONS]
        ahead = [next(side, None) for side in sides]
        while True:
            client, server = ahead
            if client is None and server is None:
                return
            if server is None or (client is not None and client[0] < server[0]):
                assert client is not None
                yield client[1]
                ahead[CLIENT] = next(sides[CLIENT], None)
            else:
                yield server[1]
                ahead[SERVER] = next(sides[SERVER], None)

    def _in_turn(self, direction: Direction) -> Iterator[tuple[int, Chunk | Gap]]:
        """Give pieces and gaps of a direction, each with its turn."""
        side = self._collected.settled()[direction]
        gaps = zip(side.gap_turns, self.gaps[direction], strict=True)
        gap = next(gaps, None)
        position = 0
        for offset, flagged, frame, time_ns, turn in side.from_piece(0):
            while gap is not None and gap[0] < turn:
                yield gap
                gap = next(gaps, None)
            length = flagged & ~UNACKNOWLEDGED
            payload = side.payload.read(position, position + length)
            position += length
            acknowledged = length == flagged
            yield turn, Chunk(direction, offset, payload, frame, time_ns, acknowledged)
        while gap is not None:
            yield gap
            gap = next(gaps, None)

    def frames(self, direction: Direction | int, start: int, stop: int) -> list[int]:
        """Return the numbers of the frames that carried ``[start, stop)``, sorted."""
        side = self._collected.settled()[as_direction(direction)]
        low, high = 0, len(side)
        while low < high:
            middle = (low + high) // 2
            offset, flagged, _, _, _ = side.piece(middle)
            if offset + (flagged & ~UNACKNOWLEDGED) <= start:
                low = middle + 1
            else:
                high = middle
        found = set()
        for offset, _, frame, _, _ in side.from_piece(low):
            if offset >= stop:
                break
            found.add(frame)
        return sorted(found)

    def digest(self, direction: Direction | int) -> str:
        """Return the SHA-256 of the delivered bytes of a direction, hexadecimal."""
        from hashlib import sha256

        hashed = sha256()
        payload = self._collected.settled()[as_direction(direction)].payload
        for start in range(0, len(payload), _BLOCK_BYTES):
            hashed.update(payload.read(start, start + _BLOCK_BYTES))
        return hashed.hexdigest()

    def close(self) -> None:
        """Let go of the payload; facts and gaps stay."""
        for side in self._collected.settled():
            side.payload.close()
            side.pieces.close()

    def _shown(self) -> list[tuple[object, ...]]:
        rows = super()._shown()
        sides = self._collected.settled()
        if not any(side.payload.closed for side in sides):
            # One byte more than a cell has room for, so that it says that it is cut.
            begins = (side.payload.read(0, LONGEST_TEXT + 1) for side in sides)
            rows.append(("begins with", *begins))
        return rows

    def __reduce__(self) -> tuple[Any, ...]:
        client, server = self._collected.settled()
        return _restored, (
            self._facts,
            self._collected.trouble,
            self._collected.carried,
            client.taken(),
            server.taken(),
        )

    def __enter__(self) -> WholeStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _restored(
    facts: Stream, trouble: Evidence | None, carried: list[int] | None, *taken: Any
) -> WholeStream:
    """Return the whole stream that was pickled."""
    file = BlockFile()
    collected = Collected(file)
    collected.trouble = trouble
    collected.carried = carried
    collected.sides = (CollectedSide(file), CollectedSide(file))
    for side, part in zip(collected.sides, taken, strict=True):
        side.restore(part)
    return WholeStream(facts, collected)


def running(gaps: list[Gap]) -> list[int]:
    """Return how many bytes are missing up to the end of each gap."""
    return list(accumulate(gap.length for gap in gaps))


def gap_offset(gap: Gap) -> int:
    """Return where a gap begins."""
    return gap.offset
