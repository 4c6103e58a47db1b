"""Which rule explains a difference: what was refused, a conflict, a gap, padding."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, TypeAlias

from unpacket._core.memory.batch import Batch
from unpacket._core.reassembly.direction import CLIENT, Direction
from unpacket._core.reassembly.stream import Endpoint
from unpacket.compare.layout import Span
from unpacket.compare.tools.programs import Runs
from unpacket.records.whole_stream import WholeStream

SHOWN_BYTES = 48

# So many frames of one difference.
MAX_FRAMES = 64

ETHERNET = 1

IPV4 = b"\x08\x00"

IPV6 = b"\x86\xdd"

VLAN_TAGS = (b"\x81\x00", b"\x88\xa8", b"\x91\x00")

# What explains bytes behind the end of our stream: why they are in none, and the rule.
UNHEARD = (
    ("rst_payload", "rst_payload"),
    ("after_rst", "after_rst"),
    ("late", "after_end"),
)

# So many different trailers of frames are remembered.
MAX_TRAILERS = 1000

Ends: TypeAlias = tuple[Endpoint, Endpoint]

# What stood behind an IP packet, and the first frame that had it.
Trailers: TypeAlias = dict[bytes, int]

# Of so many differences it is looked for in all frames what they have.
MAX_SEARCHES = 20
# Fewer bytes are in some frame or other.
LEAST_SOUGHT = 4


class Difference(NamedTuple):
    """One difference from our streams.

    Attributes:
        stream: The id of ours, or None where we have none.
        rule: Of ``RULES``.
        detail: What is known besides.
        frames: Those that carried our bytes there, or that explain theirs.
        ours: The first bytes that we have there; None where there are none.
        theirs: The first bytes that the program has there; None likewise.
    """

    stream: int | None
    source: Endpoint
    target: Endpoint
    direction: Direction | None
    offset: int
    length: int
    rule: str
    detail: str
    frames: list[int]
    ours: bytes | None
    theirs: bytes | None

    def to_dict(self) -> dict[str, Any]:
        """Return what ``unpacket compare --json`` prints."""
        return {
            "stream": self.stream,
            "source": str(self.source),
            "target": str(self.target),
            "direction": None if self.direction is None else str(self.direction),
            "offset": self.offset,
            "length": self.length,
            "rule": self.rule,
            "detail": self.detail,
            "frames": self.frames[:MAX_FRAMES],
            "ours_base64": encoded(self.ours),
            "theirs_base64": encoded(self.theirs),
        }


Opening: TypeAlias = Callable[[], AbstractContextManager[Iterable[Batch]]]


class Frames:
    """What the frames of a capture hold; they are read where it may explain something.

    Args:
        opened: Opens the capture; without it nothing is found.
    """

    def __init__(self, opened: Opening | None = None) -> None:
        self._opened = opened
        self._trailers: Trailers | None = None
        self._searches = 0

    def trailers(self) -> Trailers:
        """Return what stands behind IP packets."""
        if self._trailers is None:
            self._trailers = {}
            if self._opened is not None:
                with self._opened() as batches:
                    self._trailers = trailers_of(batches)
        return self._trailers

    def holding(self, octets: bytes) -> list[int]:
        """Return the number of the first frame that holds bytes, or nothing."""
        sought = octets[:SHOWN_BYTES]
        if len(sought) < LEAST_SOUGHT or self._searches == MAX_SEARCHES:
            return []
        self._searches += 1
        if self._opened is not None:
            with self._opened() as batches:
                for batch in batches:
                    for index in range(len(batch)):
                        number, _, _, _, frame = batch.frame(index)
                        if sought in bytes(frame):
                            return [number]
        return []


class Side(NamedTuple):
    """One direction of a stream of ours."""

    stream: WholeStream
    direction: Direction

    @property
    def ends(self) -> Ends:
        pair = self.stream.client, self.stream.server
        return pair if self.direction is CLIENT else (pair[1], pair[0])

    @property
    def runs(self) -> Runs:
        """Its bytes in order, and the length of each gap."""
        runs: Runs = []
        position = 0
        for offset, octets in self.stream.runs(self.direction):
            runs += [octets] if offset == position else [offset - position, octets]
            position = offset + len(octets)
        missing = self.stream.gaps[self.direction]
        end = max((gap.offset + gap.length for gap in missing), default=0)
        return [*runs, end - position] if end > position else runs


def trailing(octets: bytes, frames: Frames) -> list[int]:
    """Return a frame with the trailer that bytes consist of, or nothing."""
    for trailer, frame in frames.trailers().items():
        count, rest = divmod(len(octets), len(trailer))
        if not rest and octets == trailer * count:
            return [frame]
    return []


def explained(side: Side, span: Span, found: bytes, known: Frames) -> Difference:
    """Return a difference with the rule that explains it.

    Args:
        found: What they have there.
    """
    start, stop = span.start, span.stop
    stream, direction = side.stream, side.direction
    shown = min(stop, start + SHOWN_BYTES)
    mine = stream.read(direction, start, shown, gaps="join") or None
    other = found[:SHOWN_BYTES] if span.kind[1] == "b" else None
    if other is not None:
        for rule, detail, frames in evidence(side, start, found):
            return told(side, span, rule, detail, frames, mine, other)
        if span.kind == "-b" or len(found) < MAX_TRAILERS:
            frames = trailing(found, known)
            if frames:
                detail = f"as in frame {frames[0]}"
                return told(side, span, "padding", detail, frames, mine, other)
    carried = stream.frames(direction, start, stop)
    blank = not found.strip(b"\0")
    rule = "other_bytes"
    if span.kind == "gb":
        rule = "zeros" if blank else "invented"
        holding = [] if blank else known.holding(found)
        if holding:
            detail = f"as in frame {holding[0]}"
            return told(side, span, "other_frame", detail, holding, mine, other)
    elif span.kind == "bb" and stop - start == 1 and keep_alives(side):
        rule = "keep_alive"
    elif span.kind == "bb" and blank:
        rule = "left_out"
    elif span.kind == "-b":
        unplaced = stream.counts[direction]["unplaced"]
        rule = next(
            (name for why, name in UNHEARD if len(found) <= unplaced.get(why, 0)),
            "longer",
        )
    elif span.kind == "bg":
        rule = "gap_told"
    elif span.kind == "b-":
        holes = [gap.offset + gap.length for gap in stream.gaps[direction]]
        rule = "stops_at_gap" if start in holes else "left_out"
    elif span.kind == "g-":
        rule = "stops_at_gap" if carried else "gap_not_told"
    return told(side, span, rule, "", carried, mine, other)


def keep_alives(side: Side) -> bool:
    """Return whether there were keep-alives in a direction."""
    return bool(side.stream.counts[side.direction]["keep_alives"])


def evidence(
    side: Side, start: int, found: bytes
) -> Iterator[tuple[str, str, list[int]]]:
    """Give what explains that ``found`` is at ``start``: rule, detail, frames."""
    for event in side.stream.conflict_events:
        if event.direction is not side.direction:
            continue
        if covers(event.offset, event.other, start, found):
            detail = f"frame {event.other_frame} and not frame {event.kept_frame}"
            yield "other_version", detail, [event.other_frame]
    for rejected in side.stream.rejected_events:
        if rejected.direction is not side.direction or not rejected.payload:
            continue
        at = rejected.offset
        if found == rejected.payload or (
            at is not None and covers(at, rejected.payload, start, found)
        ):
            detail = f"frame {rejected.frame}: {rejected.reason}"
            yield "took_rejected", detail, [rejected.frame]


def covers(offset: int, octets: bytes, start: int, found: bytes) -> bool:
    """Return whether ``octets`` at ``offset`` are what was found at ``start``."""
    low = max(offset, start)
    high = min(offset + len(octets), start + len(found))
    return (
        low < high
        and octets[low - offset : high - offset] == found[low - start : high - start]
    )


def told(
    side: Side,
    span: Span,
    rule: str,
    detail: str,
    frames: list[int],
    ours: bytes | None,
    theirs: bytes | None,
) -> Difference:
    return Difference(
        side.stream.id,
        *side.ends,
        side.direction,
        span.start,
        span.stop - span.start,
        rule,
        detail,
        frames,
        ours,
        theirs,
    )


def encoded(octets: bytes | None) -> str | None:
    return None if octets is None else b64encode(octets).decode("ascii")


def trailers_of(batches: Iterable[Batch]) -> Trailers:
    """Return what stands behind the IP packets of Ethernet frames."""
    found: Trailers = {}
    for batch in batches:
        for index in range(len(batch)):
            number, _, link_type, _, frame = batch.frame(index)
            if link_type != ETHERNET:
                continue
            at = 12
            while frame[at : at + 2] in VLAN_TAGS:
                at += 4
            kind = frame[at : at + 2]
            at += 2
            if kind == IPV4:
                stop = at + int.from_bytes(frame[at + 2 : at + 4], "big")
            elif kind == IPV6:
                stop = at + 40 + int.from_bytes(frame[at + 4 : at + 6], "big")
            else:
                continue
            trailer = bytes(frame[stop:]) if stop > at else b""
            if trailer and len(found) < MAX_TRAILERS:
                found.setdefault(trailer, number)
    return found
