"""A recording of real programs, and whether an assembler says what they said."""

import gzip
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.captured import Told, read, told
from unpacket import Conflict, Direction, Gap, Policy, Rejected

Span = tuple[int, int]


@dataclass(frozen=True)
class Half:
    """One direction of a connection: what was sent, and what one capture has of it.

    Attributes:
        left_out: The offsets of frames that passed and are not in the capture.
        missing: Those of them that no other frame in the capture has.
        acknowledged: Frames in the capture say that the receiver has it up to here.
    """

    sent: bytes
    left_out: frozenset[int]
    missing: frozenset[int]
    acknowledged: int


@dataclass(frozen=True)
class Connection:
    """Both directions of a connection, and whether it ended by RST."""

    client: str
    server: str
    halves: tuple[Half, Half]
    reset: bool


@dataclass(frozen=True)
class Recording:
    """One capture of a recording.

    Attributes:
        point: Where on the wire it was made: ``client``, ``middle``, ``server``.
        truth: All that its `truth.json` holds.
        facts: What that holds of this capture.
    """

    capture: Path
    point: str
    truth: dict[str, Any]
    facts: dict[str, Any]
    connections: tuple[Connection, ...]


def recordings(directory: Path) -> Iterator[Recording]:
    """Yield the captures of a recording whose truth is in ``directory``.

    Raises:
        AssertionError: The bytes are not those that the truth was written with.
    """
    truth = json.loads((directory / "truth.json").read_text())
    for point, facts in truth["captures"].items():
        connections = []
        for stream in truth["streams"]:
            halves = [
                _half(directory, stream[f"{who}_sent"], point)
                for who in ("client", "server")
            ]
            connections.append(
                Connection(
                    stream["client"],
                    stream["server"],
                    (halves[0], halves[1]),
                    stream["reset"],
                )
            )
        capture = directory.parent / facts["file"]
        yield Recording(capture, point, truth, facts, tuple(connections))


def _half(directory: Path, facts: dict[str, Any], point: str) -> Half:
    content = (directory / facts["file"]).read_bytes()
    sent = gzip.decompress(content) if facts["file"].endswith(".gz") else content
    assert len(sent) == facts["bytes"]
    assert hashlib.sha256(sent).hexdigest() == facts["sha256"]
    captured = facts["captured"][point]
    return Half(
        sent,
        _offsets(captured["left_out"]),
        _offsets(captured["missing"]),
        captured["acknowledged"],
    )


def _offsets(spans: list[Span]) -> frozenset[int]:
    return frozenset(n for start, stop in spans for n in range(start, stop))


def check(recording: Recording, policy: Policy | None = None) -> None:
    """Compare what an assembler says of a recording with what was sent.

    Raises:
        AssertionError: A byte differs, is missing without a gap, or is a gap though
            it was captured; a gap has the wrong reason; what the programs sent is
            said to conflict or was rejected.
    """
    words = f"seed {recording.truth['seed']}"
    reading = read(recording.capture, policy)
    assert not [event for event in reading.events if isinstance(event, Conflict)], words
    expected = {one.client: one for one in recording.connections}
    refused: dict[tuple[str, Direction], set[int]] = defaultdict(set)
    for event in reading.events:
        if isinstance(event, Rejected):
            # Linux too drops an RST below its window, and a late segment that is
            # older than the newest one at its edge (RFC 7323 section 5.3).
            assert event.reason in ("rst", "timestamp"), f"{words}: {event.reason}"
            connection = expected[str(event.stream.client)]
            half = connection.halves[event.direction]
            assert event.offset is not None, words
            stop = event.offset + len(event.payload)
            known = half.sent[event.offset : stop]
            assert _agrees(event.payload, known, connection.reset), words
            refused[connection.client, event.direction].update(
                range(event.offset, stop)
            )
    for stream in told(reading.events):
        connection = expected.pop(str(stream.stream.client))
        assert str(stream.stream.server) == connection.server, words
        assert stream.stream.role_evidence == "syn", words
        for direction, half in zip(Direction, connection.halves, strict=True):
            where = f"{words}, {connection.client}, {direction.name}"
            # What was lost or refused just before a reset was not sent again.
            excused: set[int] = set()
            if connection.reset:
                excused = refused[connection.client, direction] | half.missing
            _check_half(stream, direction, half, connection.reset, excused, where)
        missing = any(half.missing for half in connection.halves)
        if not connection.reset and not missing and not recording.facts["not_captured"]:
            assert stream.stream.complete, words
    assert not expected, words


def _agrees(payload: bytes, known: bytes, reset: bool) -> bool:
    """Whether a payload is what was sent.

    What comes around a reset the witness may not have taken, and so not known.
    """
    return payload == known or (reset and payload.startswith(known))


def _check_half(
    stream: Told,
    direction: Direction,
    half: Half,
    reset: bool,
    excused: set[int],
    where: str,
) -> None:
    at = 0
    holes: set[int] = set()
    for part in stream.sides[direction].said:
        if not isinstance(part, Gap):
            known = half.sent[at : at + len(part)]
            assert _agrees(part, known, reset), f"{where}: offset {at}"
            at += len(part)
            continue
        assert part.offset == at, where
        stop = at + part.length
        seen = stop <= half.acknowledged
        reasons = {"not_captured" if seen else "unacknowledged"}
        if set(range(at, stop)) <= excused:
            # A frame had them, and was refused.
            reasons.add("timestamp")
        assert part.reason in reasons, where
        holes.update(range(at, stop))
        at = stop
    tail = frozenset(range(at, len(half.sent)))
    assert at <= len(half.sent) or reset, where
    assert not tail or (reset and tail <= half.missing), f"{where}: ends at {at}"
    # A copy that was captured long after the acknowledgement comes too late to
    # fill its gap, so there may be more holes than missing bytes.
    assert half.missing - tail <= holes, f"{where}: no gap"
    certain = holes & frozenset(range(len(half.sent)))
    assert certain <= half.left_out | excused, f"{where}: a gap that was captured"
