"""The integrity of a capture: what is missing, doubtful or damaged, with evidence.

``check`` reads a capture and returns a ``Report``; ``Integrity`` takes the events of
whoever reads it himself. Memory does not grow with the capture: of each kind of
trouble there are counts, and the first examples.
"""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from unpacket import sources
from unpacket._core.constants import MAX_COPIES
from unpacket._core.reassembly.events import (
    CLIENT,
    SERVER,
    Closed,
    Conflict,
    Data,
    Finished,
    Gap,
    Note,
    Opened,
    Rejected,
)
from unpacket._core.reassembly.stream import Stream
from unpacket.faces.iterate import filter_of, happening
from unpacket.faces.reader import Reading
from unpacket.integrity.divergence import Divergence, Watch, divergences
from unpacket.policy import Policy
from unpacket.query.parser import Where
from unpacket.records.summary import Summary, Trouble
from unpacket.sources import Drops, Source

__all__ = ["Found", "Integrity", "Report", "check"]

EXAMPLES = 3
# How much of two versions, or of what was rejected, an example keeps.
SHOWN_BYTES = 256
# Of so many streams with conflicts it is found out what other policies make of them.
MAX_WATCHES = 1000
# RFC 9293 section 3.7.1 has 536 for those who announce nothing; but a capture that
# lacks the SYN is of Ethernet, mostly.
USUAL_SEGMENT_BYTES = 1460

# Of these, frames were damaged, or cut by the capture.
DAMAGED = (
    "link_truncated",
    "link_header",
    "ip_truncated",
    "ip_header",
    "fragment_invalid",
    "fragment_overlap",
    "fragment_timeout",
    "fragment_limit",
    "tcp_truncated",
    "tcp_header",
    "tunnel_truncated",
    "tunnel_header",
)
# Of these, TCP may have been passed over.
NOT_LOOKED_INTO = ("unknown_link_type", "encapsulated", "not_followed", "filtered")

# Every TCP sends what these are.
HARMLESS = frozenset({"window_probe"})

Example: TypeAlias = dict[str, Any]


class Found:
    """How often something was found, and the first examples.

    Attributes:
        count: How often.
        bytes: The payload concerned.
        streams: How many streams it was found in.
        examples: The first of them, as ``unpacket check --json`` prints them.
    """

    __slots__ = ("bytes", "count", "examples", "streams")

    def __init__(self) -> None:
        self.count = 0
        self.bytes = 0
        self.streams = 0
        self.examples: list[Example] = []

    def to_dict(self) -> dict[str, Any]:
        """Return what ``unpacket check --json`` prints."""
        return {
            "count": self.count,
            "bytes": self.bytes,
            "streams": self.streams,
            "examples": self.examples,
        }


@dataclass(slots=True)
class Report:
    """What was found in a capture.

    Attributes:
        frames: How many the capture has.
        first_ns: When the first of them was captured.
        last_ns: When the last of them was captured.
        segments: TCP segments.
        streams: How many there were; with a filter, how many passed. All that
            follows, down to ``policies``, is about these.
        delivered_bytes: Their payload, gaps left out.
        lost: What receivers acknowledged and the capture lacks.
        lost_segments: An estimate of how many segments that was.
        gaps: What is missing, by reason; ``lost`` is the first of them.
        rejected: Segments that no receiver would have taken, by reason.
        conflicts: Bytes that were seen in two versions.
        one_sided: Streams with payload of which only one side was captured.
        midstream: Streams that had begun before the capture did.
        closed: Streams by the reason of their end.
        out_of_order: Segments that came before those in front of them.
        duplicates: Segments that the capture has twice, and the first of them.
        other_channel: Segments that came by another channel than the one that their
            side of a stream is taken from; ``streams`` says of how many streams.
        retransmissions: Segments that brought again what was captured; of those that
            the capture has twice, one.
        duplicate_bytes: Payload that came again.
        policies: Streams that another overlap policy would have made different, of
            the first ``MAX_WATCHES`` with conflicts; None where that was not asked, or
            could not be found out.
        why_no_policies: Why it is None, or "".
        hosts: Segments by the state of their checksum, for each sender.
        backwards: How often time went back between two segments.
        without_segment: Frames that gave no segment, by reason.
        fragments: Datagrams that were put together (``completed``), and fragments that
            were ``duplicates``, other ``overlaps``, and ``conflicts`` among those.
        drops: What the captures themselves say they lost, by capture and interface;
            none where they do not say.
        damage: Where captures are damaged.
    """

    frames: int = 0
    first_ns: int = 0
    last_ns: int = 0
    segments: int = 0
    streams: int = 0
    delivered_bytes: int = 0
    lost_segments: int = 0
    gaps: dict[str, Found] = field(default_factory=dict)
    rejected: dict[str, Found] = field(default_factory=dict)
    conflicts: Found = field(default_factory=Found)
    one_sided: int = 0
    midstream: int = 0
    closed: Counter[str] = field(default_factory=Counter)
    out_of_order: int = 0
    duplicates: Found = field(default_factory=Found)
    other_channel: Found = field(default_factory=Found)
    retransmissions: int = 0
    duplicate_bytes: int = 0
    policies: list[Divergence] | None = None
    why_no_policies: str = ""
    hosts: dict[str, dict[str, int]] = field(default_factory=dict)
    backwards: int = 0
    without_segment: dict[str, int] = field(default_factory=dict)
    fragments: dict[str, int] = field(default_factory=dict)
    drops: list[Drops] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)

    @property
    def dropped(self) -> int | None:
        """How many packets that is; None where the captures do not say."""
        return sum(one.packets for one in self.drops) if self.drops else None

    @property
    def lost(self) -> Found:
        return self.gaps.get("not_captured") or Found()

    @property
    def lost_share(self) -> float:
        """Which part of the payload was lost, from 0 to 1."""
        all_bytes = self.delivered_bytes + self.lost.bytes
        return self.lost.bytes / all_bytes if all_bytes else 0.0

    def host_state(self, host: str) -> str:
        """Return what the checksums of a sender say.

        ``good``; ``offload``: left to its network card; ``all_wrong``: so are all of
        them, as in captures that were anonymised; ``damage``: some segments were
        changed on their way; ``unknown``: none could be judged.
        """
        counts = self.hosts[host]
        if counts["bad"]:
            return "damage" if counts["good"] else "all_wrong"
        if counts["unfilled"]:
            return "offload"
        return "good" if counts["good"] else "unknown"

    @property
    def wrong(self) -> list[str]:
        """Return in which respects something is wrong, by name."""
        found = {
            "damage": self.damage,
            "drops": self.dropped,
            "loss": self.lost.count,
            "gaps": {"unknown", "truncated", "limit"} & set(self.gaps),
            "one_sided": self.one_sided,
            "rejected": set(self.rejected) - HARMLESS,
            "conflicts": self.conflicts.count,
            "policies": self.policies,
            "checksums": any(self.host_state(host) == "damage" for host in self.hosts),
            "clock": self.backwards,
            "frames": set(DAMAGED) & set(self.without_segment),
            "fragments": self.fragments.get("conflicts"),
            "limits": {"memory_limit", "buffer_limit"} & set(self.closed),
        }
        return [name for name, trouble in found.items() if trouble]

    @property
    def ok(self) -> bool:
        """Whether there are streams, and nothing is wrong."""
        return self.streams > 0 and not self.wrong

    def to_dict(self) -> dict[str, Any]:
        """Return what ``unpacket check --json`` prints."""
        policies = None
        if self.policies is not None:
            policies = [divergence.to_dict() for divergence in self.policies]
        return {
            "ok": self.ok,
            "wrong": self.wrong,
            "frames": self.frames,
            "first_ns": self.first_ns,
            "last_ns": self.last_ns,
            "segments": self.segments,
            "streams": self.streams,
            "delivered_bytes": self.delivered_bytes,
            "damage": self.damage,
            "dropped": self.dropped,
            "drops": [one._asdict() for one in self.drops],
            "loss": {
                "segments": self.lost_segments,
                "bytes": self.lost.bytes,
                "share": self.lost_share,
            },
            "gaps": {why: found.to_dict() for why, found in self.gaps.items()},
            "one_sided": self.one_sided,
            "midstream": self.midstream,
            "rejected": {why: found.to_dict() for why, found in self.rejected.items()},
            "conflicts": self.conflicts.to_dict(),
            "policies": policies,
            "checksums": {
                host: {"state": self.host_state(host)} | counts
                for host, counts in self.hosts.items()
            },
            "clock": {"backwards": self.backwards},
            "frames_without_segment": self.without_segment,
            "fragments": self.fragments,
            "closed": dict(self.closed),
            "out_of_order": self.out_of_order,
            "duplicates": {
                "count": self.duplicates.count,
                "streams": self.duplicates.streams,
                "examples": self.duplicates.examples,
            },
            "other_channel": {
                "count": self.other_channel.count,
                "streams": self.other_channel.streams,
            },
            "retransmissions": self.retransmissions,
            "duplicate_bytes": self.duplicate_bytes,
        }


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
        copies: Iterable[tuple[int, int, int]] = (),
        drops: Iterable[Drops] = (),
        damage: Iterable[object] = (),
    ) -> Report:
        """Add the facts of the capture as a whole, and return the report.

        Args:
            copies: Of segments that the capture has twice: frame number, that of the
                frame whose copy it is, and the stream's id.
        """
        report = self.report
        report.duplicates.examples = [
            {"frame": frame, "copy_of": original, "stream": stream_id}
            for frame, original, stream_id in copies
            if self._where is None or stream_id in self._doubled
        ][: self._examples]
        report.frames, report.segments = frames, segments
        report.first_ns, report.last_ns = first_ns, last_ns
        report.backwards = backwards
        report.without_segment = dict(counters)
        report.hosts = dict(hosts)
        report.fragments = dict(fragments)
        report.drops = list(drops)
        report.damage = [str(item) for item in damage]
        return report

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
        report = self.report
        report.streams += 1
        report.closed[stream.close_reason or ""] += 1
        payload = 0
        sides = 0
        copies = 0
        others = 0
        for direction in (CLIENT, SERVER):
            half = stream.half(direction)
            if half is None:
                continue
            payload += half.payload_bytes
            sides += half.packets > 0
            report.delivered_bytes += stream.delivered_bytes(direction)
            # Most halves have nothing more to tell, and a dictionary costs time.
            if half.extra is not None:
                counts = stream.counts(direction)
                report.out_of_order += counts["out_of_order"]
                report.duplicate_bytes += counts["duplicate_bytes"]
                report.retransmissions += counts["retransmissions"]
                others += counts["other_channel"]
            copies += half.duplicates
        if others:
            report.other_channel.count += others
            report.other_channel.streams += 1
        if copies:
            report.duplicates.count += copies
            report.duplicates.streams += 1
            if len(self._doubled) < MAX_COPIES:
                self._doubled.add(stream.id)
        report.one_sided += sides == 1 and payload > 0
        report.midstream += stream.role_evidence in ("port", "first")
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
    return {
        "stream": event.stream.id,
        "client": str(event.stream.client),
        "server": str(event.stream.server),
        "direction": str(event.direction),
        "offset": event.offset,
        "length": size,
        "frame": event.frame,
        "time_ns": event.time_ns,
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
        policies: Whether to read the capture once more where there are conflicts, to
            see which overlap policies would have made other streams.
        again: Opens the source once more. Paths need none.

    ``source``, ``policy`` and ``opening`` are those of ``unpacket.events``.

    Raises:
        WhereError: ``where`` is not of the grammar. It is a ``ValueError``.
        SourceError: The source cannot be read, or is no capture.
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
        fragments=assembler.decoder.fragments,
        copies=assembler.copies,
        drops=reading.drops,
        damage=reading.damage,
    )
    if not policies:
        report.why_no_policies = "not asked"
        return report
    if again is None and sources.can_be_read_again(source):

        def again() -> AbstractContextManager[Source]:
            return sources.open(source, **reading.opening)

    if not integrity.watches:
        report.policies = []
    elif again is None:
        report.why_no_policies = "the source can be read only once"
    else:
        with again() as batches:
            report.policies = divergences(
                batches, integrity.watches, policy or Policy(), examples
            )
    return report
