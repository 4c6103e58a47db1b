"""What the assembler says of a capture, by stream."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from os import PathLike
from typing import IO, Any

from tests.properties.law import Law
from unpacket import Assembler, Data, Direction, Gap, Opened, Policy, Stream, sources
from unpacket._core.reassembly.payload_gatherer import Gatherer

# Some blocks: what waits of a side may be more.
ROOM_BYTES = 10_000


@dataclass
class Frame:
    """One captured frame; those of a capture are kept by their numbers."""

    time_ns: int
    data: bytes


@dataclass
class Reading:
    """All that was said of one capture."""

    events: list[Any]
    frames: dict[int, Frame]
    segments: int
    counters: dict[str, int]


@dataclass
class Side:
    """One direction of a stream, as its events told it.

    Attributes:
        said: Payloads and gaps, in order.
    """

    said: list[bytes | Gap] = field(default_factory=list)

    @property
    def payload(self) -> bytes:
        """All bytes, without regard to gaps."""
        return b"".join(part for part in self.said if isinstance(part, bytes))

    @property
    def gaps(self) -> list[tuple[int, int, str]]:
        """Offset, length and reason of each gap."""
        gaps = [part for part in self.said if isinstance(part, Gap)]
        return [(gap.offset, gap.length, gap.reason) for gap in gaps]

    @property
    def runs(self) -> list[bytes | tuple[int, str]]:
        """Bytes that no gap divides as one, and length and reason of each gap."""
        runs: list[bytes | tuple[int, str]] = []
        pending: list[bytes] = []
        for part in self.said:
            if isinstance(part, bytes):
                pending.append(part)
                continue
            if pending:
                runs.append(b"".join(pending))
                pending = []
            runs.append((part.length, part.reason))
        if pending:
            runs.append(b"".join(pending))
        return runs


@dataclass
class Told:
    """One stream, as its events told it."""

    stream: Stream
    sides: tuple[Side, Side] = field(default_factory=lambda: (Side(), Side()))


def read(
    path: str | PathLike[str] | IO[bytes],
    policy: Policy | None = None,
    batch_frames: int = 2048,
) -> Reading:
    """Return what an assembler says of a capture, which may be damaged at its end.

    Raises:
        AssertionError: What it says breaks the law of events.
    """
    assembler = Assembler(policy)
    law = Law()
    events: list[Any] = []
    frames: dict[int, Frame] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with sources.open(path, batch_frames=batch_frames) as batches:
            for batch in batches:
                for index in range(len(batch)):
                    number, time_ns, _, _, data = batch.frame(index)
                    frames[number] = Frame(time_ns, data)
                events += assembler.feed(batch)
    events += assembler.finish()
    law(events)
    law.end(assembler)
    return Reading(events, frames, assembler.packets, assembler.counters)


def told(events: Iterable[Any]) -> list[Told]:
    """Return the streams in the order in which they opened."""
    streams: dict[int, Told] = {}
    for event in events:
        if isinstance(event, Opened):
            streams[event.stream.id] = Told(event.stream)
        elif isinstance(event, Data | Gap):
            side = streams[event.stream.id].sides[event.direction]
            side.said.append(event if isinstance(event, Gap) else event.payload)
    return list(streams.values())


def drawn(gatherer: Gatherer, stream: Stream) -> tuple[bytes, bytes]:
    """Take out what waits of a stream, of client and server."""
    sides = []
    target = bytearray(ROOM_BYTES)
    for direction in Direction:
        length = gatherer.length(stream, direction)
        whole = b""
        while count := gatherer.draw(stream, direction, target):
            whole += target[:count]
        assert len(whole) == length
        sides.append(whole)
    gatherer.end(stream)
    return sides[0], sides[1]
