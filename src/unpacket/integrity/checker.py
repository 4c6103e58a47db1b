"""Reads a capture, or the events of whoever reads it, and reports what is wrong.

Memory does not grow with the capture: of each kind of trouble there are counts, and
the first examples.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any

from unpacket import sources
from unpacket._core.constants import MAX_COPIES
from unpacket._core.reassembly.direction import CLIENT, SERVER, Direction
from unpacket._core.reassembly.events import (
    Closed,
    Conflict,
    Data,
    Finished,
    Gap,
    Note,
    Opened,
    Rejected,
)
from unpacket._core.reassembly.stream import Endpoint, Stream
from unpacket._decode_as import rules_of
from unpacket.faces.iterate import filter_of, happening
from unpacket.faces.reader import Reading
from unpacket.integrity.clock_distance import clock_distance
from unpacket.integrity.divergence import Watch, divergences
from unpacket.integrity.report import USUAL_SEGMENT_BYTES, Example, Found, Report
from unpacket.policy import Policy
from unpacket.query.parser import Where
from unpacket.records.summary import Summary, Trouble
from unpacket.sources import Drops, Source

__all__ = ["Found", "Integrity", "Report", "check"]

EXAMPLES = 3

# How much of two versions, or of what was rejected, an example keeps.
SHOWN_BYTES = 256

# Where one in so many segments came again, it is looked whether two clocks are why.
MANY_AGAIN = 4

# Where there are more conflicts it is not found out: each costs every policy its time.
MAX_COMPARED = 10_000

# Of so many streams with conflicts it is found out what other policies make of them.
MAX_WATCHES = 1000


# What ends a stream though the connection may go on.
GIVEN_UP = ("timeout", "memory_limit", "buffer_limit")

# Of so many streams that pass a filter it is found out what came after their end.
MAX_PASSED = 1 << 16


class Pending:
    """What was found in a stream that has not closed yet."""

    __slots__ = ("found", "lost_segments", "trouble", "watch")

    def __init__(self, trouble: Trouble | None) -> None:
        self.found: dict[tuple[str, str], Found] = {}
        self.lost_segments = 0
        self.watch: Watch | None = None
        self.trouble = trouble


class Integrity:
    """Takes events, and makes a report of them.

    Attributes:
        report: What was found in the streams that have closed.
        watches: Where those that have conflicts may differ under other policies.

    Args:
        examples: How many examples to keep of each kind of trouble.
        where: Which streams to count.
    """

    def __init__(self, *, examples: int = EXAMPLES, where: Where | None = None) -> None:
        self.report = Report()
        self.watches: list[Watch] = []
        self._examples = examples
        self._where = where
        self._pending: dict[Stream, Pending] = {}
        # Of which streams the examples of copies may be, where there is a filter.
        self._doubled: set[int] = set()
        # The ends of streams that were given up, and may go on.
        self._given_up: set[frozenset[Endpoint]] = set()
        # Which streams passed, where there is a filter.
        self._passed: set[int] = set()

    def take(self, event: Any, first_ns: int = 0) -> None:
        """Take the next event.

        Args:
            first_ns: When the capture began, for the filter.
        """
        kind = type(event)
        if kind is Closed:
            self._close(event.stream, first_ns)
        elif kind is Gap:
            self._find(event, "gap", event.reason, event.length, {})
        elif kind is Rejected:
            octets = event.payload
            evidence = {"payload_base64": base64(octets)}
            self._find(event, "rejected", event.reason, len(octets), evidence)
        elif kind is Conflict:
            evidence = {
                "kept_base64": base64(event.kept),
                "other_base64": base64(event.other),
                "kept_frame": event.kept_frame,
                "other_frame": event.other_frame,
            }
            pending = self._find(event, "conflict", "", len(event.kept), evidence)
            if pending.watch is None:
                pending.watch = Watch(event.stream)
            pending.watch.add(event.direction, event.offset, len(event.kept))
        elif kind is Note or kind is Opened or kind is Data or kind is Finished:
            pass

    def capture(
        self,
        *,
        frames: int,
        first_ns: int,
        last_ns: int,
        segments: int,
        backwards: int,
        counters: Mapping[str, int],
        hosts: Mapping[str, dict[str, int]],
        fragments: Mapping[str, int],
        lookalikes: Mapping[str, int] | None = None,
        copies: Iterable[tuple[int, int, int]] = (),
        late: Mapping[int, tuple[int, int]] = MappingProxyType({}),
        steps_back: Iterable[tuple[int, int]] = (),
        drops: Iterable[Drops] = (),
        damage: Iterable[object] = (),
    ) -> Report:
        """Add the facts of the capture as a whole, and return the report.

        Args:
            copies: Of segments that the capture has twice: frame number, that of the
                frame whose copy it is, and the stream's id.
            steps_back: The first frames whose time is before that of the segment in
                front of them, and by how many nanoseconds.
            late: Payload that came after the end of streams, as ``Assembler.late``.
        """
        report = self.report
        report.duplicates.examples = [
            {"frame": frame, "copy_of": original, "stream": stream_id}
            for frame, original, stream_id in copies
            if self._where is None or stream_id in self._doubled
        ][: self._examples]
        self._add_late(late)
        report.frames, report.segments = frames, segments
        report.first_ns, report.last_ns = first_ns, last_ns
        report.backwards = backwards
        report.steps_back = [
            {"frame": frame, "by_ns": by_ns} for frame, by_ns in steps_back
        ][: self._examples]
        report.without_segment = dict(counters)
        report.hosts = dict(hosts)
        report.fragments = dict(fragments)
        report.lookalikes = dict(lookalikes or {})
        report.drops = list(drops)
        report.damage = [str(item) for item in damage]
        return report

    def _add_late(self, late: Mapping[int, tuple[int, int]]) -> None:
        for stream_id, (count, frame) in sorted(late.items()):
            if self._where is not None and stream_id not in self._passed:
                continue
            self._add_unplaced("late", count, {"stream": stream_id, "frame": frame})

    def _add_unplaced(self, reason: str, count: int, example: Example) -> None:
        found = self.report.unplaced.setdefault(reason, Found())
        found.count += 1
        found.streams += 1
        found.bytes += count
        if len(found.examples) < self._examples:
            found.examples.append(example | {"length": count})

    def _find(
        self, event: Any, kind: str, reason: str, size: int, evidence: Example
    ) -> Pending:
        pending = self._pending.get(event.stream)
        if pending is None:
            trouble = None if self._where is None else Trouble()
            pending = self._pending[event.stream] = Pending(trouble)
        found = pending.found.get((kind, reason))
        if found is None:
            found = pending.found[kind, reason] = Found()
        found.count += 1
        found.bytes += size
        if kind == "gap" and reason == "not_captured":
            announced = event.stream.mss(event.direction.other)
            pending.lost_segments += -(-size // (announced or USUAL_SEGMENT_BYTES))
        if len(found.examples) < self._examples and not self._has_enough(kind, reason):
            found.examples.append(example(event, size) | evidence)
        if pending.trouble is not None:
            pending.trouble.take(event)
        return pending

    def _has_enough(self, kind: str, reason: str) -> bool:
        found = self._total(kind).get(reason)
        return found is not None and len(found.examples) == self._examples

    def _total(self, kind: str) -> dict[str, Found]:
        if kind == "conflict":
            return {"": self.report.conflicts}
        return self.report.gaps if kind == "gap" else self.report.rejected

    def _close(self, stream: Stream, first_ns: int) -> None:
        pending = self._pending.pop(stream, None)
        if self._where is not None:
            trouble = None if pending is None else pending.trouble
            if not self._where.matches(Summary(stream, trouble), first_ns):
                return
            if len(self._passed) < MAX_PASSED:
                self._passed.add(stream.id)
        report = self.report
        report.streams += 1
        report.closed[stream.close_reason or ""] += 1
        payload = 0
        sides = 0
        copies = 0
        others = 0
        for direction in (CLIENT, SERVER):
            payload += stream.seen_bytes(direction)
            sides += stream.packets(direction) > 0
            report.delivered_bytes += stream.delivered_bytes(direction)
            # Most halves have nothing more to report, and a dictionary costs time.
            if stream._is_unusual(direction):
                counts = stream.counts(direction)
                report.out_of_order += counts["out_of_order"]
                report.duplicate_bytes += counts["duplicate_bytes"]
                report.retransmissions += counts["retransmissions"]
                others += counts["other_channel"]
                for reason, count in stream._unplaced(direction).items():
                    self._add_unplaced(reason, count, side_of(stream, direction))
            copies += stream.duplicates(direction)
        if others:
            report.other_channel.count += others
            report.other_channel.streams += 1
        if copies:
            report.duplicates.count += copies
            report.duplicates.streams += 1
            if len(self._doubled) < MAX_COPIES:
                self._doubled.add(stream.id)
        report.one_sided += sides == 1 and payload > 0
        ends = frozenset((stream.client, stream.server))
        if stream.role_evidence == "continued":
            report.continued += 1
        elif stream.role_evidence in ("port", "first"):
            if ends in self._given_up:
                report.continued += 1
            else:
                report.midstream += 1
        if stream.close_reason in GIVEN_UP:
            if len(self._given_up) < MAX_PASSED:
                self._given_up.add(ends)
        elif self._given_up:
            self._given_up.discard(ends)
        if pending is None:
            return
        report.lost_segments += pending.lost_segments
        for (kind, reason), found in pending.found.items():
            total = self._total(kind).setdefault(reason, Found())
            total.count += found.count
            total.bytes += found.bytes
            total.streams += 1
            room = self._examples - len(total.examples)
            total.examples += found.examples[:room]
        if pending.watch is not None and len(self.watches) < MAX_WATCHES:
            self.watches.append(pending.watch)


def example(event: Any, size: int) -> Example:
    """Return where something happened."""
    return side_of(event.stream, event.direction) | {
        "offset": event.offset,
        "length": size,
        "frame": event.frame,
        "time_ns": event.time_ns,
    }


def side_of(stream: Stream, direction: Direction) -> Example:
    """Return which side of which stream something is about."""
    return {
        "stream": stream.id,
        "client": str(stream.client),
        "server": str(stream.server),
        "direction": str(direction),
    }


def base64(octets: bytes) -> str:
    return b64encode(octets[:SHOWN_BYTES]).decode("ascii")


def check(
    source: Any,
    *,
    policy: Policy | None = None,
    where: str | Where | None = None,
    examples: int = EXAMPLES,
    policies: bool = True,
    again: Callable[[], AbstractContextManager[Source]] | None = None,
    **opening: Any,
) -> Report:
    """Read a capture, and return what was found in it.

    Args:
        where: Which streams to look at.
        policies: Whether to read the capture once more if there are conflicts, to see
            which overlap policies would have produced other streams.
        again: Opens the source once more. Paths need none.

    ``source``, ``policy`` and ``opening`` are those of ``unpacket.events``.

    Raises:
        WhereError: ``where`` is not of the grammar. It is a ``ValueError``.
        SourceError: The source cannot be read, or is not a capture.
    """
    chosen = filter_of(where)
    integrity = Integrity(examples=examples, where=chosen)
    reading = Reading(source, policy=policy, data=False, sums=True, **opening)
    for event in happening(reading, chosen):
        integrity.take(event, reading.first_ns)
    assembler = reading.assembler
    report = integrity.capture(
        frames=reading.frames,
        first_ns=reading.first_ns,
        last_ns=reading.last_ns,
        segments=assembler.packets,
        backwards=assembler.backwards,
        counters=assembler.counters,
        hosts=assembler.sums.by_host() if assembler.sums is not None else {},
        lookalikes=rules_of(assembler.decoder.lookalikes),
        fragments=assembler.decoder.fragments,
        copies=assembler.copies,
        late=assembler.late,
        steps_back=assembler.steps_back,
        drops=reading.drops,
        damage=reading.damage,
    )
    report.ended_early = reading.ended_early
    if not policies:
        report.why_no_policies = "not asked"
        return report
    if again is None and sources.can_be_read_again(source):

        def again() -> AbstractContextManager[Source]:
            return sources.open(source, **reading.opening)

    came_again = report.retransmissions + assembler.late_segments
    if again is not None and came_again * MANY_AGAIN > report.segments:
        with again() as batches:
            report.clocks_apart = clock_distance(batches)
        if batches.ended_early:
            report.ended_early = True
            report.clocks_apart = None
    if not integrity.watches:
        report.policies = []
    elif report.conflicts.count > MAX_COMPARED:
        report.why_no_policies = f"more than {MAX_COMPARED} conflicts"
    elif again is None:
        report.why_no_policies = "the source can be read only once"
    else:
        with again() as batches:
            found = divergences(
                batches, integrity.watches, policy or Policy(), examples
            )
        if batches.ended_early:
            report.ended_early = True
            report.why_no_policies = "the second reading was ended early"
        else:
            report.policies = found
    return report
