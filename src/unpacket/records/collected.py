"""What is collected of a stream while it lives: payload, and which packet carried it.

Of each piece that was delivered 36 bytes say where it came from: no object is kept
for it, so that a stream of a million small segments stays small.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Any

from unpacket._core.reassembly.direction import CLIENT, SERVER
from unpacket._core.reassembly.events import Conflict, Data, Gap, Rejected
from unpacket.records.spool import BlockFile, Store
from unpacket.records.summary import Trouble

# How much of what was rejected, or in conflict, a stream keeps as evidence; all is
# counted.
MAX_EVIDENCE = 64
MAX_EVIDENCE_BYTES = 1 << 18

_DIRECTIONS = (CLIENT, SERVER)
# offset, length, frame, time, and when it was delivered, counted over both directions
_PIECE = Struct("=qIqqq")
_PIECE_BYTES = _PIECE.size
_pack_piece = _PIECE.pack
# In the length: let go at the end without the acknowledgement that the policy asks for.
UNACKNOWLEDGED = 1 << 31

# So many events wait to be taken apart, and each counts as so many bytes meanwhile
# besides its payload.
FRESH_EVENTS = 64
FRESH_BYTES = 176


class CollectedSide:
    """One direction: its payload, and which packet carried which of it.

    Attributes:
        gap_turns: When each gap was declared, counted over both directions.
    """

    __slots__ = ("gap_turns", "payload", "pieces")

    def __init__(self, file: BlockFile) -> None:
        self.payload = Store(file)
        self.pieces = Store(file)
        self.gap_turns: list[int] = []

    def __len__(self) -> int:
        return len(self.pieces) // _PIECE_BYTES

    def taken(self) -> tuple[bytes, bytes, list[int]] | None:
        """Return all of it, or None where it was let go of."""
        if self.payload.closed:
            return None
        payload = self.payload.read(0, len(self.payload))
        return payload, self.pieces.read(0, len(self.pieces)), self.gap_turns

    def restore(self, taken: tuple[bytes, bytes, list[int]] | None) -> None:
        """Become what ``taken`` was of."""
        if taken is None:
            self.payload.close()
            self.pieces.close()
        else:
            payload, pieces, self.gap_turns = taken
            self.payload.append(payload)
            self.pieces.append(pieces)

    def piece(self, index: int) -> tuple[int, int, int, int, int]:
        """Return offset, length with flag, frame, time and turn of a piece."""
        at = index * _PIECE_BYTES
        offset, length, frame, time_ns, turn = _PIECE.unpack(
            self.pieces.read(at, at + _PIECE_BYTES)
        )
        return offset, length, frame, time_ns, turn

    def from_piece(self, index: int) -> Iterator[tuple[int, int, int, int, int]]:
        """Give the pieces from number ``index`` on."""
        size = _PIECE_BYTES * 1024
        for at in range(index * _PIECE_BYTES, len(self.pieces), size):
            for piece in _PIECE.iter_unpack(self.pieces.read(at, at + size)):
                offset, length, frame, time_ns, turn = piece
                yield offset, length, frame, time_ns, turn


class Collected:
    """What is collected of a stream.

    Most streams are short and whole: for them there is nothing but this and a list.

    Attributes:
        fresh: The latest Data events, not yet taken apart: many at a time cost less
            than one at a time, and nothing where nobody asks for them.
        memory_bytes: How much is kept in memory, gaps and evidence left out.
        carried: How many bytes each side has, where they are not those that TCP
            delivered but what these carry; else None.
    """

    __slots__ = ("carried", "fresh", "memory_bytes", "sides", "file", "trouble", "turn")

    def __init__(self, file: BlockFile, *, decrypted: bool = False) -> None:
        self.file = file
        self.carried: list[int] | None = [0, 0] if decrypted else None
        self.fresh: list[Data] = []
        self.sides: tuple[CollectedSide, CollectedSide] | None = None
        self.trouble: Evidence | None = None
        self.memory_bytes = 0
        self.turn = 0

    def settled(self) -> tuple[CollectedSide, CollectedSide]:
        """Take the fresh events apart; return the two directions."""
        sides = self.sides
        if sides is None:
            sides = self.sides = (CollectedSide(self.file), CollectedSide(self.file))
        elif not self.fresh:
            return sides
        turn = self.turn
        payloads: tuple[list[bytes], list[bytes]] = ([], [])
        pieces: tuple[list[bytes], list[bytes]] = ([], [])
        for event in self.fresh:
            direction = event.direction
            payload = event.payload
            payloads[direction].append(payload)
            flag = 0 if event.acknowledged else UNACKNOWLEDGED
            parts = event.parts
            if parts is None:
                turn += 1
                pieces[direction].append(
                    _pack_piece(
                        event.offset,
                        len(payload) | flag,
                        event.frame,
                        event.time_ns,
                        turn,
                    )
                )
                continue
            for part in parts:
                turn += 1
                length = part.stop - part.start
                pieces[direction].append(
                    _pack_piece(
                        part.start, length | flag, part.frame, part.time_ns, turn
                    )
                )
        self.fresh.clear()
        self.turn = turn
        for direction in _DIRECTIONS:
            if payloads[direction]:
                side = sides[direction]
                payload = b"".join(payloads[direction])
                side.payload.append(payload)
                if self.carried is not None:
                    self.carried[direction] += len(payload)
                side.pieces.append(b"".join(pieces[direction]))
        self._measure(sides)
        return sides

    def _measure(self, sides: tuple[CollectedSide, CollectedSide]) -> None:
        self.memory_bytes = sum(
            side.payload.memory_bytes + side.pieces.memory_bytes for side in sides
        )

    def take(self, event: Any) -> None:
        """Take an event that is no ``Data``."""
        if isinstance(event, Gap):
            # What was delivered before it has its turn before it.
            sides = self.settled()
            self.turn += 1
            sides[event.direction].gap_turns.append(self.turn)
        if self.trouble is None:
            self.trouble = Evidence()
        self.trouble.take(event)

    def spill(self) -> None:
        """Move what is in memory to the temporary file, but for some KiB.

        Raises:
            SinkError: It cannot be written.
        """
        sides = self.settled()
        for side in sides:
            side.payload.spill()
            side.pieces.spill()
        self._measure(sides)


class Evidence(Trouble):
    """The first events that say what was wrong with a stream."""

    __slots__ = ("_bytes", "conflict_events", "rejected_events")

    def __init__(self) -> None:
        super().__init__()
        self._bytes = 0
        self.conflict_events: list[Conflict] = []
        self.rejected_events: list[Rejected] = []

    def take(self, event: Any) -> None:
        """Take an event that is no ``Data``."""
        super().take(event)
        if isinstance(event, Conflict):
            if self._has_room(self.conflict_events, len(event.kept) + len(event.other)):
                self.conflict_events.append(event)
        elif isinstance(event, Rejected) and self._has_room(
            self.rejected_events, len(event.payload)
        ):
            self.rejected_events.append(event)

    def _has_room(self, evidence: list[Any], size: int) -> bool:
        if len(evidence) == MAX_EVIDENCE or self._bytes + size > MAX_EVIDENCE_BYTES:
            return False
        self._bytes += size
        return True
