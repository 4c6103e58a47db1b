"""Who is the client, and which initial sequence number is the true one.

RFC 9293 section 3.5. Roles may change until the stream is announced.
"""

from unpacket._core.constants import (
    BY_FIRST,
    BY_PORT,
    IS_CLIENT,
    SACK_PERMITTED,
    TIMESTAMPS,
)
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.events import opened
from unpacket._core.reassembly.half import Half
from unpacket._core.reassembly.segment import Segment
from unpacket._core.reassembly.stream import Stream
from unpacket._core.sequence import delta

# Ports below this are well known (RFC 6335 section 6).
WELL_KNOWN = 1024


def is_client(half: Half) -> bool:
    """Return whether the half's sender is the client."""
    return half.flags & IS_CLIENT != 0


def set_client(stream: Stream, half: Half, peer: Half | None, evidence: int) -> None:
    """Let the sender of ``half`` be the client, unless better evidence is known."""
    if stream.opened or (stream.evidence and stream.evidence <= evidence):
        return
    stream.evidence = evidence
    half.flags |= IS_CLIENT
    if peer is not None:
        peer.flags &= ~IS_CLIENT


def announce(ctx: Context, stream: Stream) -> None:
    """Open the stream for the consumer, who is told the roles as known by now."""
    if stream.opened:
        return
    if not stream.evidence:
        low = stream.ports >> 16
        high = stream.ports & 0xFFFF
        stream.evidence = BY_FIRST
        if (low < WELL_KNOWN) != (high < WELL_KNOWN):
            stream.evidence = BY_PORT
            a_is_client = high < WELL_KNOWN
            for half, client in (
                (stream.half_a, a_is_client),
                (stream.half_b, not a_is_client),
            ):
                if half is not None:
                    if client:
                        half.flags |= IS_CLIENT
                    else:
                        half.flags &= ~IS_CLIENT
    stream.opened = 1
    ctx.events.append(opened(stream, ctx.frame, ctx.time_ns))


def handshake_options(half: Half, peer: Half | None, seg: Segment) -> None:
    """Remember what a SYN says of its sender."""
    half.mss = seg.mss
    half.scale = seg.wscale
    if half.ttl == 0:
        half.ttl = seg.ttl
    if seg.sack_permitted:
        half.flags |= SACK_PERMITTED
    if seg.has_timestamp:
        half.flags |= TIMESTAMPS
        half.ts_recent = seg.tsval


def choose_isn(half: Half, seq: int) -> None:
    """Let the initial sequence number be the one that ``seq`` belongs to, if any."""
    extra = half.extra
    if extra is None or not extra.isns or half.sent_edge:
        return
    before = half.base_seq
    best = delta(seq, before)
    if best == 0:
        return
    for index in range(len(extra.isns)):
        ahead = delta(seq, extra.isns[index])
        if 0 <= ahead and (best < 0 or ahead < best):
            best = ahead
            half.base_seq, extra.isns[index] = extra.isns[index], half.base_seq
    moved = delta(before, half.base_seq)
    if moved and extra.suspects:
        extra.suspects = [
            (base + moved, reason, item) for base, reason, item in extra.suspects
        ]
