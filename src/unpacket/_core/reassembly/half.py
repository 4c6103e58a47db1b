"""The state of one direction of a stream, and what is read of it.

A half that never met anything unusual has no HalfExtra.
"""

from collections import deque
from typing import Any

from unpacket._core.constants import IS_CLIENT, NEVER, NO_SCALE, OPEN, SIMPLE, UNSEEN
from unpacket._core.reassembly.direction import CLIENT, SERVER, Direction
from unpacket._core.reassembly.events import Event
from unpacket._core.reassembly.held import Held
from unpacket._core.reassembly.pending import Suspect
from unpacket._core.reassembly.segment import Segment


class HalfExtra:
    """What a half needs once something unusual has happened to it.

    Attributes:
        held: Pieces out of order.
        unreleased: Events that wait for the peer's acknowledgement.
        unreleased_bytes: Their payload.
        suspects: Segments whose acceptance is not clear yet, in order of arrival.
        claim: An acknowledgement of more than was seen, which must prove true before
            it counts; -1 if there is none.
        claim_edge: What the segment that made it offered.
        claim_stop: Where the next segment of its sender begins.
        claim_frame: Its number.
        claims: How many segments have made it by now.
        waiting: Segments collected before offset 0 was chosen.
        isns: SYNs with other initial sequence numbers.
        many_isns: Whether there were more than are remembered.
        fin_offset: Where the FIN lies, or -1.
        urgent_offset: Where the byte lies that the last urgent pointer meant; of no
            meaning once that is before the next offset.
        fin_sure: Whether it is certain that the receiver took it.
        fin_frame, fin_time_ns: Which packet brought it.
        fin_repeated: Whether its sender has sent it again.
        fin_ns: When it is believed if nothing contradicts it, or NEVER.
        grace_ns: When the oldest acknowledged hole is given up, or NEVER.
        grace_acked: What was acknowledged when that was set.
        counted: What it takes, with all that it leads to but payload, as far as that
            is in ``Context.memory_bytes``.
        tracked: Whether ``Context.trackers`` has who follows acknowledgements.
        other_channel: How many packets came by another channel than the half's.
        md5: Whether its SYN agreed on the MD5 option (RFC 2385).
        unplaced: Bytes that are in no stream though nobody refused them, by reason.
        doubted: Bytes that were delivered though they were in doubt, by reason.
        missing: The latest gaps: start, stop, and nothing.
        refused: The latest ranges that were refused: start, stop, why.
    """

    __slots__ = (
        "claim",
        "claim_edge",
        "claim_frame",
        "claim_stop",
        "claims",
        "conflict_bytes",
        "conflicts",
        "counted",
        "discarded_bytes",
        "doubted",
        "duplicate_bytes",
        "fin_frame",
        "fin_ns",
        "fin_offset",
        "fin_repeated",
        "fin_sure",
        "fin_time_ns",
        "gap_bytes",
        "gaps",
        "grace_acked",
        "grace_ns",
        "held",
        "isns",
        "keep_alives",
        "late_packets",
        "many_isns",
        "md5",
        "missing",
        "other_channel",
        "out_of_order",
        "refused",
        "rejected",
        "rejected_bytes",
        "retransmissions",
        "suspects",
        "tracked",
        "unplaced",
        "unreleased",
        "unreleased_bytes",
        "urgent_offset",
        "waiting",
    )

    doubted: dict[str, int] | None
    missing: list[tuple[int, int, str]] | None
    refused: list[tuple[int, int, str]] | None
    unplaced: dict[str, int] | None
    held: Held | None
    isns: list[Segment] | None
    rejected: dict[str, int] | None
    suspects: list[Suspect] | None
    unreleased: deque[Event] | None
    waiting: list[Segment] | None

    def __init__(self) -> None:
        self.held = None
        self.unreleased = None
        self.unreleased_bytes = 0
        self.suspects = None
        self.waiting = None
        self.isns = None
        self.fin_offset = -1
        self.fin_sure = False
        self.fin_repeated = False
        self.urgent_offset = -1
        self.fin_frame = 0
        self.fin_time_ns = 0
        self.fin_ns = NEVER
        self.claim = -1
        self.claim_edge = 0
        self.claim_stop = 0
        self.claim_frame = 0
        self.claims = 0
        self.md5 = False
        self.many_isns = False
        self.missing = None
        self.refused = None
        self.unplaced = None
        self.doubted = None
        self.grace_ns = NEVER
        self.grace_acked = 0
        self.tracked = False
        self.counted = 0
        self.duplicate_bytes = 0
        self.conflict_bytes = 0
        self.rejected_bytes = 0
        self.discarded_bytes = 0
        self.gap_bytes = 0
        self.gaps = 0
        self.conflicts = 0
        self.keep_alives = 0
        self.retransmissions = 0
        self.late_packets = 0
        self.out_of_order = 0
        self.other_channel = 0
        self.rejected = None

    def eventful(self) -> bool:
        """Return whether anything here is worth telling after the end."""
        return bool(
            self.duplicate_bytes
            or self.conflict_bytes
            or self.rejected
            or self.doubted
            or self.discarded_bytes
            or self.gaps
            or self.keep_alives
            or self.retransmissions
            or self.late_packets
            or self.out_of_order
            or self.other_channel
        )


class Half:
    """The state of one direction of a stream.

    Attributes:
        next_offset: Everything before it was delivered, or is a gap.
        acked: What the peer has acknowledged; -1 where it never did.
        sent_edge: The end of what was seen.
        window_edge: What the peer allowed at most; -1 where that is not known.
        base_seq: The sequence number of offset 0; in an unseen half with
            EDGE_KNOWN, what the peer acknowledged.
        payload_bytes: Payload seen, copies and rejected segments included.
        duplicates: How many of its packets the capture has twice.
        shift: By how much the windows that the side offers are shifted.
        last_record: The half's latest record in the History.
    """

    __slots__ = (
        "acked",
        "base_seq",
        "duplicates",
        "extra",
        "flags",
        "last_record",
        "mss",
        "next_offset",
        "packets",
        "payload_bytes",
        "scale",
        "sent_edge",
        "shift",
        "state",
        "ts_recent",
        "ttl",
        "window_edge",
    )

    extra: HalfExtra | None

    def __init__(self) -> None:
        self.next_offset = 0
        self.acked = -1
        self.sent_edge = 0
        self.window_edge = -1
        self.base_seq = 0
        self.payload_bytes = 0
        self.packets = 0
        self.duplicates = 0
        self.last_record = -1
        self.ts_recent = 0
        self.flags = 0
        self.mss = 0
        self.ttl = 0
        self.scale = NO_SCALE
        self.shift = 0
        self.state = UNSEEN
        self.extra = None

    def more(self) -> HalfExtra:
        """Return the half's HalfExtra, made if there was none."""
        if self.extra is None:
            self.extra = HalfExtra()
        self.flags &= ~SIMPLE
        return self.extra


def packets_of(half: Half | None) -> int:
    """Return how many packets a side sent; see ``Stream.packets``."""
    return 0 if half is None else half.packets


def duplicates_of(half: Half | None) -> int:
    """Return how many of them are copies; see ``Stream.duplicates``."""
    return 0 if half is None else half.duplicates


def retransmissions_of(half: Half | None) -> int:
    """Return how many brought nothing new; see ``Stream.retransmissions``."""
    if half is None or half.extra is None:
        return 0
    return half.extra.retransmissions


def other_channel_of(half: Half | None) -> int:
    """Return how many came another way; see ``Stream.other_channel``."""
    if half is None or half.extra is None:
        return 0
    return half.extra.other_channel


def delivered_of(half: Half | None) -> int:
    """Return how many bytes of a side were delivered; see ``Stream``."""
    if half is None:
        return 0
    extra = half.extra
    if extra is None:
        return half.next_offset
    return half.next_offset - extra.gap_bytes - extra.unreleased_bytes


def held_bytes(half: Half) -> int:
    """Return how many payload bytes of a half wait for something."""
    extra = half.extra
    if extra is None:
        return 0
    waiting = extra.unreleased_bytes
    if extra.held is not None:
        waiting += extra.held.payload_bytes
    if extra.waiting is not None:
        for item in extra.waiting:
            waiting += item.captured
    if extra.suspects is not None:
        for suspect in extra.suspects:
            waiting += suspect.seg.captured
    return waiting


def direction_of(half: Half) -> Direction:
    """Return who sends what ``half`` describes."""
    return CLIENT if half.flags & IS_CLIENT else SERVER


def settle(half: Half) -> None:
    """Take the fast path again if nothing unusual is left."""
    extra = half.extra
    if half.state == OPEN and (
        extra is None
        or (
            extra.fin_offset < 0
            and extra.urgent_offset < half.next_offset
            and not extra.suspects
            and not extra.unreleased
            and not extra.isns
            and extra.claim < 0
            and not extra.tracked
            and (extra.held is None or extra.held.count == 0)
        )
    ):
        half.flags |= SIMPLE


def counts_of(half: Half | None, queued_bytes: int) -> dict[str, Any]:
    """Return what ``Stream.counts`` says of a half.

    ``queued_bytes`` is how much of its payload waits for what becomes of an RST.
    """
    if half is None:
        half = Half()
    extra = half.extra
    if extra is None:
        extra = HalfExtra()
    return {
        "packets": half.packets,
        "duplicates": half.duplicates,
        "seen_bytes": half.payload_bytes,
        "delivered_bytes": half.next_offset - extra.gap_bytes - extra.unreleased_bytes,
        "held_bytes": held_bytes(half) + queued_bytes,
        "duplicate_bytes": extra.duplicate_bytes,
        "conflicting_bytes": extra.conflict_bytes,
        "rejected_bytes": extra.rejected_bytes,
        "discarded_bytes": extra.discarded_bytes,
        "gap_bytes": extra.gap_bytes,
        "gaps": extra.gaps,
        "conflicts": extra.conflicts,
        "keep_alives": extra.keep_alives,
        "retransmissions": extra.retransmissions,
        "out_of_order": extra.out_of_order,
        "late_packets": extra.late_packets,
        "other_channel": extra.other_channel,
        "rejected": dict(extra.rejected or {}),
        "doubted": dict(extra.doubted or {}),
        "unplaced": dict(extra.unplaced or {}),
    }
