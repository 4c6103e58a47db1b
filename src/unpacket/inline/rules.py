"""What goes on: the rules that make the receiver read what the inspector saw.

A receiver drops more than these do; it need not be known here what, since the first
bytes of an offset stay the first, whoever sends others later. What matters is that
nothing ends a stream here that goes on there, and that no number leads astray.
Sources: RFC 9293 section 3.10.7, RFC 5961, RFC 7323 section 5, and Linux 6.18.
"""

from __future__ import annotations

from unpacket._core.constants import LOW32
from unpacket._core.sequence import delta
from unpacket.inline.envelope import Refused
from unpacket.inline.flows import Flow
from unpacket.inline.half import WIDEST_WINDOW, Half
from unpacket.inline.packets import (
    ACK,
    FIN,
    OPTION_AO,
    OPTION_MD5,
    OPTION_MSS,
    OPTION_SACK_OK,
    OPTION_SCALE,
    URG,
    Segment,
    options_of,
    ttl_of,
    with_ttl,
)

# Bits of the header that no standard has given a meaning; the lowest of the four is
# for ECN (RFC 9768).
RESERVED = 0x0E
LARGEST_SCALE = 14
MAX_PIECES = 4096
MAX_RAISED = 1000


def is_signed(segment: Segment) -> bool:
    """Return whether a segment has a signature of TCP."""
    options = options_of(segment.options)
    return OPTION_MD5 in options or OPTION_AO in options


def check_signature(flow: Flow, segment: Segment) -> None:
    """Raise Refused for a signature that was never agreed, or that is not there."""
    # Twelve bytes are room for timestamps alone.
    if (len(segment.options) > 12 or flow.signed) and is_signed(segment) != flow.signed:
        raise Refused("signature")


def learn_syn(half: Half, segment: Segment) -> None:
    """Note what a SYN says about its sender."""
    options = options_of(segment.options)
    half.place((segment.seq + 1) & LOW32, False)
    half.mss = int.from_bytes(options.get(OPTION_MSS, b"\x02\x18"), "big")
    half.scale = -1
    if OPTION_SCALE in options:
        half.scale = min(int.from_bytes(options[OPTION_SCALE], "big"), LARGEST_SCALE)
    half.sack_ok = OPTION_SACK_OK in options
    half.ttl = ttl_of(segment.head)
    if segment.has_timestamps:
        half.ts_recent = segment.ts_value


def agree(flow: Flow, number: int, syn: Segment, answer: Segment) -> None:
    """Note what a SYN and its SYN-ACK, which is of half ``number``, agree on."""
    own, other = flow.halves[number], flow.halves[1 - number]
    is_scaled = own.scale >= 0 and other.scale >= 0
    own.sack_ok = other.sack_ok = own.sack_ok and other.sack_ok
    if not is_scaled:
        own.scale = other.scale = 0
    flow.timestamps = syn.has_timestamps and answer.has_timestamps
    flow.signed = is_signed(syn) and is_signed(answer)
    # Windows of SYNs are never scaled (RFC 7323 section 2.2).
    other.right_edge = answer.window
    own.right_edge = syn.window
    other.max_window, own.max_window = syn.window, answer.window


def normalize(segment: Segment) -> None:
    """Take out what receivers read differently: urgent data, reserved bits."""
    segment.flags &= ~URG
    segment.urgent = 0
    segment.reserved &= ~RESERVED


def check_acknowledgement(flow: Flow, number: int, segment: Segment) -> int:
    """Return the offset, in the output of the other half, that is acknowledged.

    Raises:
        Refused: There is none, of bytes that never went on, or a very old one.
    """
    if not segment.flags & ACK:
        raise Refused("no_ack")
    own, other = flow.halves[number], flow.halves[1 - number]
    if not other.placed:
        other.place(segment.ack, True)
    out = other.out_at(segment.ack)
    if out > other.out_sent():
        if not (other.midstream and other.is_untouched()):
            raise Refused("ack_unsent")
        # What it has received had passed before anybody looked.
        other.place(segment.ack, True)
        out = 0
    if out < other.out_acked - max(own.max_window, 1):
        raise Refused("ack_old")
    return out


def check_timestamp(flow: Flow, half: Half, segment: Segment) -> None:
    """Raise Refused for a timestamp from the past, as Linux does (PAWS)."""
    if not flow.timestamps or not segment.has_timestamps or half.ts_recent < 0:
        return
    value = segment.ts_value
    later = delta(value, half.ts_recent)
    if later < -1:
        raise Refused("timestamp")
    if later >= 0 and half.placed and half.original_at(segment.seq) <= half.acked:
        half.ts_recent = value


def note_window(flow: Flow, number: int, segment: Segment, out: int, edge: int) -> None:
    """Note how far the sender of a segment lets the other side go.

    ``out`` is what it acknowledges; ``edge`` is where, in original offsets, what it
    offers ends.
    """
    own, other = flow.halves[number], flow.halves[1 - number]
    own.max_window = max(own.max_window, segment.window << max(own.scale, 0))
    if other.midstream:
        # Its scale is not known.
        edge = other.released + WIDEST_WINDOW
    other.right_edge = max(other.right_edge, edge)


def check_reset(half: Half, segment: Segment) -> int:
    """Return the offset of an RST that its receiver will believe.

    It is one that is exact: where the receiver acknowledged last, or where all that
    was sent ends, of which the acknowledgement may be on its way (RFC 5961).

    Raises:
        Refused: It lies elsewhere.
    """
    offset = half.original_at(segment.seq)
    exact = {half.acked, half.seen}
    if half.fin_passed:
        exact.add(half.fin + 1)
    if offset not in exact:
        raise Refused("rst")
    return offset


def trim(half: Half, segment: Segment, max_held_bytes: int) -> tuple[int, int]:
    """Cut from a segment what can be no part of the stream; return offset and stop.

    Raises:
        Refused: It lies behind the FIN, beyond what the receiver offers, or beyond
            what is kept; or its direction is blocked.
    """
    start = half.original_at(segment.seq)
    stop = start + len(segment.payload)
    if half.blocked:
        # A FIN is the last number of its segment.
        end = stop + (segment.flags & FIN)
        if end > start and end > half.released:
            raise Refused("blocked")
    if segment.payload and 0 <= half.fin < stop:
        if start >= half.fin:
            raise Refused("after_fin")
        segment.payload = segment.payload[: half.fin - start]
        segment.flags &= ~FIN
        stop = half.fin
    if stop <= half.seen:
        return start, stop
    # In order a byte is taken beyond the window too: so closed windows are probed.
    if stop > half.right_edge and start != half.seen:
        raise Refused("window")
    room = max_held_bytes - half.held_bytes()
    if (
        stop - max(start, half.seen) > room
        or stop - half.seen > max_held_bytes
        or len(half.starts) >= MAX_PIECES
    ):
        raise Refused("limit")
    return start, stop


def takes_fin(half: Half, segment: Segment, stop: int) -> bool:
    """Return whether a segment's FIN counts: everything before it has come.

    Where it does not, the flag is cleared, and its sender will send it again.
    """
    if not segment.flags & FIN:
        return False
    if half.seen == stop and half.fin in (-1, stop):
        half.fin = stop
        return True
    segment.flags &= ~FIN
    return False


def raise_ttl(half: Half, segment: Segment, floor: int) -> None:
    """Let what a short time to live would keep from the receiver reach it.

    A packet that goes round in a circle comes by again and again: after so many
    times no more is raised.
    """
    ttl = ttl_of(segment.head)
    least = min(floor, half.ttl) if half.ttl else floor
    if ttl < least and half.raised < MAX_RAISED:
        half.raised += 1
        segment.head = with_ttl(segment.head, least)
