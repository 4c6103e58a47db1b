"""Where another program's streams differ from ours, and which rule explains it.

Both are laid out over stream offsets: bytes, gaps, and nothing behind the end. What
differs is explained by what we know: a segment that was rejected, the other version in
a conflict, a gap that the other program cannot tell of.
"""

from __future__ import annotations

from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from unpacket import sources
from unpacket._core.memory.batch import Batch
from unpacket._core.reassembly.events import CLIENT, SERVER, Direction
from unpacket._core.reassembly.stream import Endpoint
from unpacket.compare.tools.programs import (
    USUAL_TOOLS,
    Limits,
    Runs,
    Said,
    Tool,
    ToolError,
)
from unpacket.faces.iterate import streams
from unpacket.policy import Policy
from unpacket.records.whole_stream import WholeStream

if TYPE_CHECKING:
    from unpacket.query.parser import Where

SHOWN_BYTES = 48
# Differences of one direction that are told one by one.
MAX_DIFFERENCES = 20
# So many frames of one difference.
MAX_FRAMES = 64
# Differing bytes that lie closer together are one difference.
NEAR_BYTES = 4
BLOCK_BYTES = 4096
# By so many bytes a program's beginning is looked for in ours, or the other way.
FINDING_BYTES = 8
ETHERNET = 1
IPV4 = b"\x08\x00"
IPV6 = b"\x86\xdd"
VLAN_TAGS = (b"\x81\x00", b"\x88\xa8", b"\x91\x00")
# So many different trailers of frames are remembered.
MAX_TRAILERS = 1000

RULES = {
    "zeros": "NULs stand for bytes that are missing, and cannot be told from data",
    "invented": "bytes stand where none were captured",
    "gap_not_told": "what is missing is left out without a mark",
    "stops_at_gap": "what follows a hole is not shown",
    "other_version": "two segments differ, and the other one was believed",
    "took_rejected": "a segment that its receiver would not have taken is in it",
    "gap_told": "a gap is told where bytes were captured, out of order or behind the "
    "acknowledgement of them",
    "left_out": "segments that were captured are not in it",
    "padding": "what stands behind the IP packet of a frame was taken for data",
    "keep_alive": "the byte of a keep-alive, which is no data, was believed",
    "rst_payload": "what an RST carries is no data, and was taken for it",
    "late_start": "it begins later in the stream",
    "early_start": "it begins with what comes before our stream",
    "split": "the connection was taken for several",
    "merged": "several connections were taken for one",
    "no_stream": "it has no such stream",
    "extra_stream": "we have no such stream",
    "other_bytes": "other bytes, for a reason that is not known",
    "longer": "more bytes at the end, for a reason that is not known",
}

Ends: TypeAlias = tuple[Endpoint, Endpoint]
# What stood behind an IP packet, and the first frame that had it.
Trailers: TypeAlias = dict[bytes, int]
# Asked once, where they may explain something.
Finding: TypeAlias = Callable[[], Trailers]


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


class Opinion(NamedTuple):
    """What a program makes of a capture.

    Attributes:
        error: Why it has none, or "".
    """

    tool: str
    version: str
    error: str
    differences: list[Difference]

    def to_dict(self) -> dict[str, Any]:
        """Return what ``unpacket compare --json`` prints."""
        return {
            "tool": self.tool,
            "version": self.version,
            "error": self.error,
            "differences": [one.to_dict() for one in self.differences],
        }


class Comparison(NamedTuple):
    """What several programs make of a capture.

    Attributes:
        streams: How many of our streams were compared.
        directions: How many of their directions have bytes or gaps.
        complete: Whether these were all.
    """

    streams: int
    directions: int
    complete: bool
    opinions: list[Opinion]


class Part(NamedTuple):
    """Bytes, or a gap, at the offsets ``[start, stop)``."""

    start: int
    stop: int
    octets: bytes | None


class Span(NamedTuple):
    """Where two layouts differ: ``g`` gap, ``b`` bytes, ``-`` nothing; ours first."""

    kind: str
    start: int
    stop: int


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
        for gap in self.stream.gaps[self.direction]:
            octets = self.stream.read(self.direction, position, gap.offset)
            runs += [octets, gap.length] if octets else [gap.length]
            position = gap.offset + gap.length
        rest = self.stream.read(self.direction, position, 1 << 62)
        return [*runs, rest] if rest else runs


def compare(
    source: Any,
    path: str,
    *,
    tools: Iterable[Tool] = USUAL_TOOLS,
    policy: Policy | None = None,
    where: str | Where | None = None,
    limits: Limits | None = None,
    others: str | None = None,
) -> Comparison:
    """Read a capture, let other programs read it, and compare.

    Args:
        source: What we read, as ``unpacket.events`` takes it.
        path: The same capture as a file that is not compressed, for the others.
        where: Which of our streams to compare.
        others: What the others read instead: the frames that pass a filter.

    Raises:
        WhereError: ``where`` is not of the grammar. It is a ``ValueError``.
        SourceError: The source cannot be read, or is no capture.
    """
    bounds = limits or Limits()
    ours = []
    complete = where is None
    for stream in streams(source, policy=policy, where=where):
        if stream.id < bounds.streams:
            ours.append(stream)
        else:
            stream.close()
            complete = False

    def trailers() -> Trailers:
        with sources.open(path) as batches:
            return trailers_of(batches)

    opinions = []
    for tool in tools:
        # It writes as whom it likes, and a folder may be gone before it is.
        with TemporaryDirectory(prefix="unpacket-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            version = tool.version(folder)
            found: list[Difference] = []
            error = ""
            try:
                found = list(
                    differences(
                        ours,
                        tool.said(others or path, folder, bounds),
                        complete=complete,
                        trailers=trailers,
                    )
                )
            except ToolError as failure:
                error = str(failure)
            opinions.append(Opinion(tool.name, version, error, found))
    sides = sum(
        bool(Side(one, direction).runs)
        for one in ours
        for direction in (CLIENT, SERVER)
    )
    return Comparison(len(ours), sides, complete, opinions)


def differences(
    whole_streams: Iterable[WholeStream],
    said: Iterable[Said],
    *,
    complete: bool = True,
    trailers: Finding = dict,
) -> Iterator[Difference]:
    """Give what another program says otherwise.

    Args:
        whole_streams: Ours.
        complete: Whether these are all of its streams, and of ours.
        trailers: Returns what stands behind IP packets; asked where that may explain
            something.
    """
    found = cache(trailers)
    ours: dict[Ends, list[Side]] = defaultdict(list)
    silent: dict[Ends, list[Side]] = defaultdict(list)
    theirs: dict[Ends, list[Runs]] = defaultdict(list)
    for stream in sorted(whole_streams, key=lambda stream: stream.id):
        for direction in (CLIENT, SERVER):
            side = Side(stream, direction)
            (ours if side.runs else silent)[side.ends].append(side)
    for one in said:
        if any(one.runs):
            theirs[one.source, one.target].append(one.runs)
    for ends in dict.fromkeys([*ours, *theirs]):
        if len(theirs[ends]) > len(ours[ends]):
            ours[ends] += silent[ends][: len(theirs[ends]) - len(ours[ends])]
        yield from of_ends(ends, ours[ends], theirs[ends], found, complete)


def of_ends(
    ends: Ends,
    ours: list[Side],
    theirs: list[Runs],
    trailers: Finding,
    complete: bool,
) -> Iterator[Difference]:
    """Give the differences of the connections between two ends, in one direction."""
    left, spare = [], list(theirs)
    # Those that agree find each other, whatever else there is.
    for side in ours:
        same = next((runs for runs in spare if equal(side.runs, runs)), None)
        if same is None:
            left.append(side)
        else:
            spare.remove(same)
    if len(left) == 1 and len(spare) > 1:
        yield from of_split(left[0], spare, trailers)
        return
    if len(left) > 1 and len(spare) == 1:
        ids = ", ".join(str(side.stream.id) for side in left)
        yield whole(left[0], ends, "merged", f"our streams {ids}", 0)
        return
    for side, runs in zip(left, spare, strict=False):
        yield from of_side(side, runs, trailers)
    if not complete:
        return
    for side in left[len(spare) :]:
        yield whole(side, ends, "no_stream", "", 0)
    for runs in spare[len(left) :]:
        octets = octets_in(runs)
        frames = trailing(octets, trailers)
        rule = "padding" if frames else "extra_stream"
        shown = octets[:SHOWN_BYTES]
        size = len(octets)
        yield Difference(None, *ends, None, 0, size, rule, "", frames, None, shown)


def of_split(side: Side, pieces: list[Runs], trailers: Finding) -> Iterator[Difference]:
    """Give the differences of a direction that they have in several pieces."""
    first = end_of(pieces[0])
    yield whole(side, side.ends, "split", f"into {len(pieces)}", first)
    position = 0
    for runs in pieces:
        octets = octets_in(runs)
        ours = side.stream.read(side.direction, position, position + len(octets))
        same = next(
            (n for n, (a, b) in enumerate(zip(ours, octets, strict=False)) if a != b),
            len(ours),
        )
        position += same
        rest = octets[same:]
        if rest:
            span = Span("-b", position, position + len(rest))
            yield explained(side, span, rest, trailers)


def end_of(runs: Runs) -> int:
    """Return the offset at which runs end."""
    return sum(run if isinstance(run, int) else len(run) for run in runs)


def octets_in(runs: Runs) -> bytes:
    """Return the bytes of runs, gaps left out."""
    return b"".join(run for run in runs if isinstance(run, bytes))


def trailing(octets: bytes, trailers: Finding) -> list[int]:
    """Return a frame with the trailer that bytes consist of, or nothing."""
    for trailer, frame in trailers().items():
        count, rest = divmod(len(octets), len(trailer))
        if not rest and octets == trailer * count:
            return [frame]
    return []


def whole(side: Side, ends: Ends, rule: str, detail: str, offset: int) -> Difference:
    """Return a difference that concerns a direction as a whole."""
    frames = side.stream.frames(side.direction, offset, offset + 1)
    length = end_of(side.runs)
    stream = side.stream.id
    direction = side.direction
    return Difference(
        stream, *ends, direction, offset, length, rule, detail, frames, None, None
    )


def of_side(side: Side, runs: Runs, trailers: Finding) -> Iterator[Difference]:
    """Give the differences of one direction."""
    ours = laid_out(side.runs)
    if equal(side.runs, runs):
        return
    gaps = [part for part in ours if part.octets is None]
    if gaps and octets_in(side.runs) == octets_in(runs):
        for gap in gaps:
            span = Span("gb", gap.start, gap.stop)
            yield told(side, span, "gap_not_told", "", [], None, None)
        return
    shift, moved = aligned(side.runs, runs)
    if shift > 0:
        frames = side.stream.frames(side.direction, 0, shift)
        yield told(side, Span("", 0, shift), "late_start", "", frames, None, None)
    elif shift < 0:
        early = runs[0][:-shift] if isinstance(runs[0], bytes) else b""
        detail = "" if early.strip(b"\0") else "NULs" if early else "a gap"
        span = Span("", shift, 0)
        yield told(side, span, "early_start", detail, [], None, early[:SHOWN_BYTES])
    theirs = laid_out(moved)
    found: list[Span] = []
    for span in spans(ours, theirs):
        # Where they have ended, all that we have is one difference.
        if found and found[-1].kind[1] == span.kind[1] == "-":
            found[-1] = found[-1]._replace(stop=span.stop)
        elif span.stop > shift:
            found.append(span)
    for span in found[:MAX_DIFFERENCES]:
        there = b"".join(octets_of(part, span.start, span.stop) for part in theirs)
        yield explained(side, span, there, trailers)


def aligned(ours: Runs, theirs: Runs) -> tuple[int, Runs]:
    """Return by how much they begin later than we do, and their runs from there."""
    if not ours or not theirs:
        return 0, theirs
    if isinstance(theirs[0], int) and isinstance(ours[0], bytes):
        # A gap in front of everything.
        _, moved = aligned(ours, theirs[1:]) if theirs[1:] else (0, theirs)
        return (-theirs[0], moved) if moved == theirs[1:] else (0, theirs)
    first = theirs[0] if isinstance(theirs[0], bytes) else b""
    start = ours[0] if isinstance(ours[0], bytes) else b""
    if first[:FINDING_BYTES] == start[:FINDING_BYTES]:
        return 0, theirs
    if len(first) >= FINDING_BYTES:
        at = start.find(first[:FINDING_BYTES])
        # What begins alike and goes on otherwise has not only moved.
        if at > 0 and first.startswith(start[at:]):
            return at, [at, *theirs]
    if len(start) >= FINDING_BYTES:
        at = first.find(start[:FINDING_BYTES])
        if at > 0:
            return -at, [first[at:], *theirs[1:]]
    return 0, theirs


def laid_out(runs: Runs) -> list[Part]:
    """Return runs with their offsets, neighbours of one kind joined."""
    parts: list[Part] = []
    pending: list[bytes] = []
    start = position = 0
    for run in runs:
        if isinstance(run, bytes):
            if not pending:
                start = position
            pending.append(run)
            position += len(run)
            continue
        if pending:
            parts.append(Part(start, position, b"".join(pending)))
            pending = []
        if parts and parts[-1].octets is None:
            parts[-1] = Part(parts[-1].start, position + run, None)
        else:
            parts.append(Part(position, position + run, None))
        position += run
    if pending:
        parts.append(Part(start, position, b"".join(pending)))
    return parts


def equal(ours: Runs, theirs: Runs) -> bool:
    return laid_out(ours) == laid_out(theirs)


def spans(ours: list[Part], theirs: list[Part]) -> Iterator[Span]:
    """Give where two layouts differ, in order."""
    bounds = sorted(
        {0}
        | {bound for part in ours for bound in (part.start, part.stop)}
        | {bound for part in theirs for bound in (part.start, part.stop)}
    )
    i = j = 0
    for start, stop in pairwise(bounds):
        while i < len(ours) and ours[i].stop <= start:
            i += 1
        while j < len(theirs) and theirs[j].stop <= start:
            j += 1
        mine = ours[i] if i < len(ours) else None
        other = theirs[j] if j < len(theirs) else None
        kind = letter(mine) + letter(other)
        if kind != "bb":
            if kind != "gg":
                yield Span(kind, start, stop)
            continue
        for low, high in unequal(
            octets_of(mine, start, stop), octets_of(other, start, stop)
        ):
            yield Span("bb", start + low, start + high)


def letter(part: Part | None) -> str:
    if part is None:
        return "-"
    return "g" if part.octets is None else "b"


def octets_of(part: Part | None, start: int, stop: int) -> bytes:
    if part is None or part.octets is None:
        return b""
    return part.octets[max(start - part.start, 0) : max(stop - part.start, 0)]


def unequal(a: bytes, b: bytes) -> Iterator[tuple[int, int]]:
    """Give where bytes of equal length differ, near places as one."""
    if a == b:
        return
    low = high = -1
    for block in range(0, len(a), BLOCK_BYTES):
        if a[block : block + BLOCK_BYTES] == b[block : block + BLOCK_BYTES]:
            continue
        for n in range(block, min(block + BLOCK_BYTES, len(a))):
            if a[n] == b[n]:
                continue
            if low >= 0 and n > high + NEAR_BYTES:
                yield low, high
                low = -1
            if low < 0:
                low = n
            high = n + 1
    yield low, high


def explained(side: Side, span: Span, found: bytes, trailers: Finding) -> Difference:
    """Return a difference with the rule that explains it.

    Args:
        found: What they have there.
    """
    start, stop = span.start, span.stop
    stream, direction = side.stream, side.direction
    shown = min(stop, start + SHOWN_BYTES)
    mine = stream.read(direction, start, shown) or None
    other = found[:SHOWN_BYTES] if span.kind[1] == "b" else None
    if other is not None:
        for rule, detail, frames in evidence(side, start, found):
            return told(side, span, rule, detail, frames, mine, other)
        if span.kind == "-b" or len(found) < MAX_TRAILERS:
            frames = trailing(found, trailers)
            if frames:
                detail = f"as in frame {frames[0]}"
                return told(side, span, "padding", detail, frames, mine, other)
    carried = stream.frames(direction, start, stop)
    blank = not found.strip(b"\0")
    rule = "other_bytes"
    if span.kind == "gb":
        rule = "zeros" if blank else "invented"
    elif span.kind == "bb" and stop - start == 1 and keep_alives(side):
        rule = "keep_alive"
    elif span.kind == "bb" and blank:
        rule = "left_out"
    elif span.kind == "-b":
        unheard = stream.counts[direction]["discarded_bytes"]
        was_reset = stream.close_reason == "rst" and len(found) <= unheard
        rule = "rst_payload" if was_reset else "longer"
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
