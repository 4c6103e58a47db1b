"""Who is the client, and which initial sequence number is the true one.

RFC 9293 section 3.5. Roles may change until the stream is announced.
"""

from unpacket._core.constants import (
    BY_FIRST,
    BY_PORT,
    CONFIRMED,
    EDGE_KNOWN,
    IS_CLIENT,
    LOW32,
    MAX_ISNS,
    MAX_WINDOW,
    ODD_MD5,
    OPEN,
    SACK_PERMITTED,
    TIMESTAMPS,
)
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.events import opened
from unpacket._core.reassembly.half import Half
from unpacket._core.reassembly.judgement import seen_edge
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
    if seg.flags & ODD_MD5:
        half.more().md5 = True
    half.flags &= ~(SACK_PERMITTED | TIMESTAMPS)
    if seg.sack_permitted:
        half.flags |= SACK_PERMITTED
    if seg.has_timestamp:
        half.flags |= TIMESTAMPS
        half.ts_recent = seg.tsval


def note_isn(half: Half, seg: Segment) -> None:
    """Remember a SYN with another initial sequence number, the latest ones at most."""
    extra = half.more()
    if extra.isns is None:
        extra.isns = []
    for index in range(len(extra.isns)):
        if extra.isns[index].seq == seg.seq:
            del extra.isns[index]
            break
    extra.isns.append(seg)
    if len(extra.isns) > MAX_ISNS:
        extra.many_isns = True
        del extra.isns[0]


def choose_acknowledged(half: Half, ack: int) -> None:
    """Let the initial sequence number be the one that a SYN-ACK acknowledges."""
    extra = half.extra
    if extra is None or not extra.isns or half.sent_edge or half.flags & CONFIRMED:
        return
    if 0 <= delta(ack, half.base_seq) <= seen_edge(half):
        return
    for seg in extra.isns:
        if 0 <= delta(ack, (seg.seq + 1) & LOW32) <= seg.length:
            move_isn(half, seg)
            return
    if extra.many_isns:
        # There were more than are remembered; the SYN-ACK alone says which is true.
        move_base(half, ack)


def choose_isn(half: Half, seq: int) -> None:
    """Let the initial sequence number be the one that ``seq`` belongs to, if any."""
    extra = half.extra
    if extra is None or not extra.isns or half.sent_edge:
        return
    best = delta(seq, half.base_seq)
    if best == 0:
        return
    found = None
    for seg in extra.isns:
        ahead = delta(seq, (seg.seq + 1) & LOW32)
        if 0 <= ahead and (best < 0 or ahead < best):
            best = ahead
            found = seg
    if found is not None:
        move_isn(half, found)


def move_isn(half: Half, seg: Segment) -> None:
    """Let the half begin with another SYN."""
    move_base(half, (seg.seq + 1) & LOW32)
    handshake_options(half, None, seg)


def move_base(half: Half, base_seq: int) -> None:
    """Let offset 0 be another sequence number; nothing is there yet."""
    moved = delta(half.base_seq, base_seq)
    half.base_seq = base_seq
    if half.extra is not None and half.extra.suspects:
        for item in half.extra.suspects:
            item.base += moved


def open_half(ctx: Context, half: Half, base_seq: int) -> None:
    """Offset 0 of the half is ``base_seq``."""
    if half.flags & EDGE_KNOWN:
        half.flags &= ~EDGE_KNOWN
        ahead = delta(half.base_seq, base_seq)
        if 0 <= ahead < MAX_WINDOW:
            half.acked = ahead
    half.base_seq = base_seq
    half.state = OPEN
