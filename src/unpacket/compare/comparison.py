"""Where another program's streams differ from ours, and which rule explains it.

Both are laid out over stream offsets: bytes, gaps, and nothing behind the end. What
differs is explained by what we know: a segment that was rejected, the other version in
a conflict, a gap that the other program cannot report.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from unpacket import sources
from unpacket._core.reassembly.direction import CLIENT, SERVER
from unpacket.compare.explain import (
    SHOWN_BYTES,
    Difference,
    Ends,
    Frames,
    Side,
    explained,
    told,
    trailing,
)
from unpacket.compare.layout import (
    Span,
    aligned,
    end_of,
    equal,
    laid_out,
    octets_in,
    octets_of,
    spans,
)
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


# Differences of one direction that are reported one by one.
MAX_DIFFERENCES = 20

# By so many bytes it is found out whether a stream of ours is in one of theirs.
BEGINNING_BYTES = 64

# What ends a stream of ours though the connection may go on.
GIVEN_UP = ("timeout", "memory_limit", "buffer_limit")

RULES = {
    "zeros": "it put NULs in the place of missing bytes, which look like data",
    "invented": "it has bytes where none were captured",
    "gap_not_told": "it left out missing bytes without a mark",
    "stops_at_gap": "it shows nothing behind a hole",
    "other_version": "two segments differ, and it believed the other one",
    "took_rejected": "it took a segment that the receiver would not have taken",
    "gap_told": "it reports a gap where bytes were captured, out of order or behind "
    "their acknowledgement",
    "left_out": "it lacks segments that were captured",
    "padding": "it took the bytes behind the IP packet of a frame for data",
    "keep_alive": "it took the byte of a keep-alive for data",
    "other_frame": "it has bytes of a frame that the receiver did not take there",
    "after_rst": "it took segments behind an RST that ended the stream",
    "after_end": "it took segments after the end of the stream",
    "rst_payload": "it took the payload of an RST for data",
    "late_start": "it begins later in the stream",
    "early_start": "it begins before our stream",
    "split": "it made several streams of one connection",
    "merged": "it made one stream of several connections",
    "continued": "it has one stream, where we gave one up for idle time or lack of "
    "memory and began anew",
    "no_stream": "it has no such stream",
    "extra_stream": "we have no such stream",
    "other_bytes": "it has other bytes, for an unknown reason",
    "longer": "it has more bytes at the end, for an unknown reason",
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
        SourceError: The source cannot be read, or is not a capture.
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

    frames = Frames(lambda: sources.open(path))
    opinions = []
    rules = () if policy is None else policy.decode_as
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
                        tool.decoding(rules).said(others or path, folder, bounds),
                        complete=complete,
                        frames=frames,
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
    frames: Frames | None = None,
) -> Iterator[Difference]:
    """Give what another program says otherwise.

    Args:
        whole_streams: Ours.
        complete: Whether these are all of its streams, and of ours.
        frames: Those of the capture, asked where that may explain something.
    """
    known = frames or Frames()
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
        yield from of_ends(ends, ours[ends], theirs[ends], known, complete)


def of_ends(
    ends: Ends,
    ours: list[Side],
    theirs: list[Runs],
    known: Frames,
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
        yield from of_split(left[0], spare, known)
        return
    if len(left) > 1 and len(spare) == 1:
        octets = octets_in(spare[0])
        joined = [side for side in left if begins_in(side, octets)]
        if len(joined) > 1:
            ids = ", ".join(str(side.stream.id) for side in joined)
            given_up = all(one.stream.close_reason in GIVEN_UP for one in joined[:-1])
            rule = "continued" if given_up else "merged"
            yield whole(joined[0], ends, rule, f"our streams {ids}", 0)
            left = [side for side in left if side not in joined]
            spare = []
        else:
            # They have one of them, and lack the others.
            left.sort(key=lambda side: side not in joined)
    for side, runs in zip(left, spare, strict=False):
        yield from of_side(side, runs, known)
    if not complete:
        return
    for side in left[len(spare) :]:
        yield whole(side, ends, "no_stream", "", 0)
    for runs in spare[len(left) :]:
        octets = octets_in(runs)
        frames = trailing(octets, known)
        rule = "padding" if frames else "extra_stream"
        shown = octets[:SHOWN_BYTES]
        size = len(octets)
        yield Difference(None, *ends, None, 0, size, rule, "", frames, None, shown)


def begins_in(side: Side, octets: bytes) -> bool:
    """Return whether the first bytes of a side are among others."""
    first = next((run for run in side.runs if isinstance(run, bytes)), b"")
    return first[:BEGINNING_BYTES] in octets


def of_split(side: Side, pieces: list[Runs], known: Frames) -> Iterator[Difference]:
    """Give the differences of a direction that they have in several pieces."""
    first = end_of(pieces[0])
    yield whole(side, side.ends, "split", f"into {len(pieces)}", first)
    position = 0
    for runs in pieces:
        octets = octets_in(runs)
        ours = side.stream.read(
            side.direction, position, position + len(octets), gaps="join"
        )
        same = next(
            (n for n, (a, b) in enumerate(zip(ours, octets, strict=False)) if a != b),
            len(ours),
        )
        position += same
        rest = octets[same:]
        if rest:
            span = Span("-b", position, position + len(rest))
            yield explained(side, span, rest, known)


def whole(side: Side, ends: Ends, rule: str, detail: str, offset: int) -> Difference:
    """Return a difference that concerns a direction as a whole."""
    frames = side.stream.frames(side.direction, offset, offset + 1)
    length = end_of(side.runs)
    stream = side.stream.id
    direction = side.direction
    return Difference(
        stream, *ends, direction, offset, length, rule, detail, frames, None, None
    )


def of_side(side: Side, runs: Runs, known: Frames) -> Iterator[Difference]:
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
        yield explained(side, span, there, known)
