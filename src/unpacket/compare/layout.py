"""Streams of two programs laid over the same offsets: bytes, gaps, nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from unpacket.compare.tools.programs import Runs

# Differing bytes that lie closer together are one difference.
NEAR_BYTES = 4

BLOCK_BYTES = 4096

# By so many bytes a program's beginning is looked for in ours, or the other way.
FINDING_BYTES = 8


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


def end_of(runs: Runs) -> int:
    """Return the offset at which runs end."""
    return sum(run if isinstance(run, int) else len(run) for run in runs)


def octets_in(runs: Runs) -> bytes:
    """Return the bytes of runs, gaps left out."""
    return b"".join(run for run in runs if isinstance(run, bytes))


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
