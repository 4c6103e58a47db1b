"""A stream as it stands, as plain values: what a copy and a pickle of it consist of.

All that can be asked of a stream is in them, and nothing that goes on: no table, no
ledger, no payload that waits, no tracker. What waits is a number of bytes.
"""

from typing import Any

from unpacket._core.reassembly.half import Half, HalfExtra, held_bytes
from unpacket._core.reassembly.held import Held
from unpacket._core.reassembly.stream import Stream, side


def taken(stream: Stream) -> tuple[Any, ...]:
    """Return the arguments with which ``restored`` makes a copy of a stream."""
    ends = (
        stream.a_hi,
        stream.a_lo,
        stream.b_hi,
        stream.b_lo,
        stream.ports,
        stream.family,
    )
    facts = (
        stream.id,
        stream.context,
        stream.first_ns,
        stream.last_ns,
        stream.first_frame,
        stream.first_a,
        stream.link_type,
        stream.layers,
        stream.evidence,
        stream.opened,
        stream.reason,
        None if stream.live is None else stream.live.settled(stream),
    )
    return (
        ends,
        facts,
        half_values(stream, side(stream, True)),
        half_values(stream, side(stream, False)),
    )


def restored(
    ends: tuple[Any, ...],
    facts: tuple[Any, ...],
    half_a: tuple[Any, ...] | None,
    half_b: tuple[Any, ...] | None,
) -> Stream:
    """Return the stream that ``taken`` was given, as it stood then."""
    stream = Stream()
    (
        stream.a_hi,
        stream.a_lo,
        stream.b_hi,
        stream.b_lo,
        stream.ports,
        stream.family,
    ) = ends
    (
        stream.id,
        stream.context,
        stream.first_ns,
        stream.latest_ns,
        stream.first_frame,
        stream.first_a,
        stream.link_type,
        stream.layers,
        stream.evidence,
        stream.opened,
        stream.reason,
        stream.live,
    ) = facts
    stream.half_a = half_of(half_a)
    stream.half_b = half_of(half_b)
    return stream


def half_values(stream: Stream, half: Half | None) -> tuple[Any, ...] | None:
    """Return what can be asked of a half."""
    if half is None:
        return None
    extra = half.extra
    waiting = held_bytes(half) + stream.queued_bytes(half)
    if extra is None and waiting:
        extra = HalfExtra()
    return (
        half.flags,
        half.state,
        half.packets,
        half.duplicates,
        half.payload_bytes,
        half.next_offset,
        half.acked,
        half.base_seq,
        half.mss,
        half.scale,
        None if extra is None else extra_values(extra, waiting),
    )


def half_of(values: tuple[Any, ...] | None) -> Half | None:
    """Return a half of which the same can be asked."""
    if values is None:
        return None
    half = Half()
    (
        half.flags,
        half.state,
        half.packets,
        half.duplicates,
        half.payload_bytes,
        half.next_offset,
        half.acked,
        half.base_seq,
        half.mss,
        half.scale,
        extra,
    ) = values
    half.extra = None if extra is None else extra_of(extra)
    return half


def extra_values(extra: HalfExtra, waiting: int) -> tuple[Any, ...]:
    """Return what can be asked of what was unusual in a half."""
    return (
        waiting - extra.unreleased_bytes,
        extra.unreleased_bytes,
        extra.duplicate_bytes,
        extra.conflict_bytes,
        extra.rejected_bytes,
        extra.discarded_bytes,
        extra.gap_bytes,
        extra.gaps,
        extra.conflicts,
        extra.keep_alives,
        extra.late_packets,
        extra.out_of_order,
        extra.retransmissions,
        extra.other_channel,
        copied(extra.rejected),
        copied(extra.doubted),
        copied(extra.unplaced),
    )


def extra_of(values: tuple[Any, ...]) -> HalfExtra:
    """Return a HalfExtra of which the same can be asked."""
    extra = HalfExtra()
    # The bytes that wait, without the bytes.
    extra.held = Held()
    (
        extra.held.payload_bytes,
        extra.unreleased_bytes,
        extra.duplicate_bytes,
        extra.conflict_bytes,
        extra.rejected_bytes,
        extra.discarded_bytes,
        extra.gap_bytes,
        extra.gaps,
        extra.conflicts,
        extra.keep_alives,
        extra.late_packets,
        extra.out_of_order,
        extra.retransmissions,
        extra.other_channel,
        extra.rejected,
        extra.doubted,
        extra.unplaced,
    ) = values
    return extra


def copied(counts: dict[str, int] | None) -> dict[str, int] | None:
    """Return counts that do not grow with those of the stream."""
    return None if counts is None else dict(counts)
