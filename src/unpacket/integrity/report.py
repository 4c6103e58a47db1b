"""The integrity of a capture: what is missing, doubtful or damaged, with evidence.

``check`` reads a capture and returns a ``Report``; ``Integrity`` takes the events of
whoever reads it himself. Memory does not grow with the capture: of each kind of
trouble there are counts, and the first examples.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from unpacket._core.notebook import table
from unpacket.integrity.clock_distance import ClockDistance
from unpacket.integrity.divergence import Divergence
from unpacket.sources import Drops

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

# What an RST carries is a diagnostic (RFC 9293 section 3.5.3).
NO_PAYLOAD = frozenset({"rst_payload"})

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

    def __repr__(self) -> str:
        return f"<Found {self.count}: {self.bytes} bytes in {self.streams} streams>"

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
        unplaced: Payload that is in no stream though nobody refused it, by reason;
            each ``count`` is of sides of streams.
        conflicts: Bytes that were seen in two versions.
        one_sided: Streams with payload of which only one side was captured.
        midstream: Streams without a SYN: they had begun before the capture did, or it
            lacks their beginning.
        continued: Streams without a SYN between ends whose last stream had been given
            up, for idle time or for want of room.
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
        steps_back: The first of these: which frame, and by how much.
        without_segment: Frames that gave no segment, by reason.
        fragments: Datagrams that were put together (``completed``), and fragments that
            were ``duplicates``, other ``overlaps``, and ``conflicts`` among those.
        lookalikes: Frames of UDP that look like a tunnel, by the rule of
            ``Policy.decode_as`` that would look into it.
        drops: What the captures themselves say they lost, by capture and interface;
            none where they do not say.
        damage: Where captures are damaged.
        clocks_apart: How far the clocks of two captures in one are apart, where most
            of what came again did so after the same time.
        ended_early: Whether a signal or an error ended the reading before the end of
            the capture: all else is about what was read.
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
    unplaced: dict[str, Found] = field(default_factory=dict)
    conflicts: Found = field(default_factory=Found)
    one_sided: int = 0
    midstream: int = 0
    continued: int = 0
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
    steps_back: list[Example] = field(default_factory=list)
    without_segment: dict[str, int] = field(default_factory=dict)
    fragments: dict[str, int] = field(default_factory=dict)
    lookalikes: dict[str, int] = field(default_factory=dict)
    drops: list[Drops] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    ended_early: bool = False
    clocks_apart: ClockDistance | None = None

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
            "interrupted": self.ended_early,
            "damage": self.damage,
            "drops": self.dropped,
            "loss": self.lost.count,
            "gaps": {"unknown", "truncated", "limit"} & set(self.gaps),
            "one_sided": self.one_sided,
            "rejected": set(self.rejected) - HARMLESS,
            "unplaced": set(self.unplaced) - NO_PAYLOAD,
            "conflicts": self.conflicts.count,
            "policies": self.policies,
            "checksums": any(self.host_state(host) == "damage" for host in self.hosts),
            "clock": self.backwards or self.clocks_apart,
            "frames": set(DAMAGED) & set(self.without_segment),
            "fragments": self.fragments.get("conflicts"),
            "limits": {"memory_limit", "buffer_limit"} & set(self.closed),
        }
        return [name for name, trouble in found.items() if trouble]

    @property
    def ok(self) -> bool:
        """Whether there are streams, and nothing is wrong."""
        return self.streams > 0 and not self.wrong

    def _repr_html_(self) -> str:
        wrong = ", ".join(self.wrong) or "nothing"
        rows = [
            ("wrong", wrong),
            ("frames", self.frames),
            ("segments", self.segments),
            ("streams", self.streams),
            ("delivered bytes", self.delivered_bytes),
            ("lost bytes", self.lost.bytes),
            ("lost share", f"{self.lost_share:.2%}"),
            *((f"gaps: {why}", found.count) for why, found in self.gaps.items()),
            *((f"rejected: {why}", one.count) for why, one in self.rejected.items()),
            *((f"in no stream: {why}", o.bytes) for why, o in self.unplaced.items()),
            ("conflicts", self.conflicts.count),
            ("one-sided streams", self.one_sided),
            ("retransmissions", self.retransmissions),
            ("dropped packets", "unknown" if self.dropped is None else self.dropped),
            *(("damage", text) for text in self.damage),
        ]
        return table("Integrity of a capture", (), rows)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``unpacket check --json`` prints."""
        policies = None
        if self.policies is not None:
            policies = [divergence.to_dict() for divergence in self.policies]
        return {
            "ok": self.ok,
            "wrong": self.wrong,
            "ended_early": self.ended_early,
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
            "continued": self.continued,
            "rejected": {why: found.to_dict() for why, found in self.rejected.items()},
            "unplaced": {why: found.to_dict() for why, found in self.unplaced.items()},
            "conflicts": self.conflicts.to_dict(),
            "policies": policies,
            "checksums": {
                host: {"state": self.host_state(host)} | counts
                for host, counts in self.hosts.items()
            },
            "clocks_apart": None
            if self.clocks_apart is None
            else self.clocks_apart._asdict(),
            "clock": {"backwards": self.backwards, "examples": self.steps_back},
            "frames_without_segment": self.without_segment,
            "lookalikes": self.lookalikes,
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
