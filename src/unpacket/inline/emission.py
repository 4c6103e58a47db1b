"""The packets that go out: translated, cut, or made up where an end needs one."""

from __future__ import annotations

from unpacket._core.constants import LOW32
from unpacket.inline.envelope import MAX_PACKET_BYTES
from unpacket.inline.flows import Flow
from unpacket.inline.half import Half
from unpacket.inline.packets import (
    ACK,
    CWR,
    FIN,
    OPTION_SACK,
    OPTION_TIMESTAMPS,
    PSH,
    RST,
    SYN,
    Packet,
    Segment,
    options_of,
    packed_options,
)

# What every receiver takes (RFC 9293 section 3.7.1).
LEAST_SEGMENT_BYTES = 536
MAX_SACK_BLOCKS = 4
MAX_WINDOW = 0xFFFF
# What an attribute of netlink has room for.
LARGEST_BYTES = MAX_PACKET_BYTES - 4


def translate_acknowledgement(
    flow: Flow, number: int, segment: Segment, out: int
) -> int:
    """Let a segment acknowledge what the other side sent, and not what it became.

    Args:
        out: What it acknowledges, as an offset in the output of the other half.

    Returns:
        How far its sender lets the other side go, as an original offset.
    """
    own, other = flow.halves[number], flow.halves[1 - number]
    shift = max(own.scale, 0)
    if not other.is_translated() and out <= other.out_end:
        return out + (segment.window << shift)
    acknowledged = other.original_acked(out)
    segment.ack = (other.base + acknowledged) & LOW32
    in_flight = max(other.out_end - out, 0)
    growth = in_flight - max(other.released - acknowledged, 0)
    room = max(0, (segment.window << shift) - growth)
    segment.window = min(room >> shift, MAX_WINDOW)
    if other.is_translated():
        translate_sack(other, segment)
    return acknowledged + (segment.window << shift)


def translate_sack(half: Half, segment: Segment) -> None:
    """Let the SACK blocks of a segment mean original bytes, whole ones alone."""
    if len(segment.options) <= 12:
        return
    options = options_of(segment.options)
    blocks = options.pop(OPTION_SACK, b"")
    if not blocks:
        return
    translated = []
    for at in range(0, len(blocks) - 7, 8):
        left = half.out_at(int.from_bytes(blocks[at : at + 4], "big"))
        right = half.out_at(int.from_bytes(blocks[at + 4 : at + 8], "big"))
        # Of what was acknowledged before, nobody remembers how it was changed.
        if not half.out_acked <= left < right <= half.out_end:
            continue
        left, right = half.edits.original_up(left), half.edits.original(right)
        if left < right:
            translated.append((left, right))
    if translated:
        options[OPTION_SACK] = packed_blocks(half, translated)
    segment.options = packed_options(options)


def packed_blocks(half: Half, ranges: list[tuple[int, int]]) -> bytes:
    """Return ranges of original offsets as the value of a SACK option."""
    edges = [(half.base + edge) & LOW32 for pair in ranges for edge in pair]
    return b"".join(edge.to_bytes(4, "big") for edge in edges)


def out_of_pure(half: Half, start: int) -> int:
    """Return where in the output a segment without payload lies."""
    if half.fin_passed and start > half.fin:
        return half.out_end + start - half.fin
    if start >= half.released:
        # What is held was not sent, for the receiver.
        return half.out_end
    if start < half.acked:
        return half.out_acked - (half.acked - start)
    return half.edits.out(start)


def most_bytes(half: Half, receiver: Half, segment: Segment) -> int:
    """Return how much payload a packet may have, on the way of one that came."""
    room = LARGEST_BYTES - segment.header_bytes
    if segment.gso_size:
        return room
    most = max(len(segment.payload), receiver.mss - len(segment.options))
    if half.segment_bytes:
        most = min(most, half.segment_bytes - segment.header_bytes)
    return min(max(most, LEAST_SEGMENT_BYTES), room)


def cut(
    half: Half, receiver: Half, segment: Segment, start: int, stop: int
) -> list[Segment]:
    """Return segments with the output from ``start`` to ``stop``.

    Each is as ``segment`` but for number and payload; FIN and PSH are the last one's.
    """
    most = most_bytes(half, receiver, segment)
    payload = half.output(start, stop)
    segments = []
    for first in range(0, max(len(payload), 1), most):
        part = segment.copy()
        part.seq = (half.base + start + first) & LOW32
        part.payload = payload[first : first + most]
        if first:
            part.flags &= ~CWR
            part.head = with_other_identification(part.head, first)
        if first + most < len(payload):
            part.flags &= ~(FIN | PSH)
        segments.append(part)
    return segments


def with_other_identification(head: bytes, number: int) -> bytes:
    """Return an IPv4 header whose fragments are not taken for those of another."""
    if head[0] >> 4 == 6 or head[6] & 0x40:
        return head
    identification = int.from_bytes(head[4:6], "big") + number & 0xFFFF
    return head[:4] + identification.to_bytes(2, "big") + head[6:]


def built_segments(segments: list[Segment]) -> list[Packet]:
    """Return segments as packets."""
    return [segment.built() for segment in segments]


def acknowledgement(flow: Flow, number: int) -> Packet | None:
    """Return what the receiver of a half would answer its sender now.

    It repeats the receiver's last acknowledgement, and reports as received what is
    held here (RFC 2018 allows to take that back): a sender with SACK ignores an
    answer without.
    """
    half, receiver = flow.halves[number], flow.halves[1 - number]
    template = receiver.last
    if template is None:
        return None
    answer = template.copy()
    answer.payload = b""
    answer.flags = ACK
    answer.gso_size = 0
    answer.partial = False
    if template.flags & SYN:
        # The window of a SYN is not scaled.
        answer.window >>= max(receiver.scale, 0)
    # In the output of the receiver's own direction its sequence is what the other
    # end expects next.
    answer.seq = (receiver.base + receiver.out_acked) & LOW32
    if receiver.fin_acked:
        answer.seq = (answer.seq + 1) & LOW32
    acknowledged = half.original_acked(half.out_acked + half.fin_acked)
    answer.ack = (half.base + acknowledged) & LOW32
    options: dict[int, bytes] = {}
    if answer.has_timestamps:
        value = answer.ts_value.to_bytes(4, "big")
        last = half.last
        echo = last.ts_value if last is not None and last.has_timestamps else 0
        options[OPTION_TIMESTAMPS] = value + echo.to_bytes(4, "big")
    ranges = half.held_ranges()
    if half.sack_ok and ranges:
        # The latest first would need more memory than it is worth.
        options[OPTION_SACK] = packed_blocks(half, ranges[::-1][:MAX_SACK_BLOCKS])
        if OPTION_TIMESTAMPS in options:
            options[OPTION_SACK] = options[OPTION_SACK][: 8 * (MAX_SACK_BLOCKS - 1)]
    answer.options = padded_first(options)
    return answer.built()


def padded_first(options: dict[int, bytes]) -> bytes:
    """Return options as Linux orders them: the shortest way for its receivers."""
    if set(options) == {OPTION_TIMESTAMPS}:
        return b"\x01\x01\x08\x0a" + options[OPTION_TIMESTAMPS]
    return packed_options(options)


def reset_to_receiver(flow: Flow, number: int) -> list[Packet]:
    """Return RSTs for the receiver of a half, wherever it is.

    Its next number lies where it acknowledged last, or, where that answer is on its
    way, where what was sent ends; an RST has to be exact.
    """
    half = flow.halves[number]
    template = half.last
    if template is None:
        return []
    packets = []
    for out in sorted({half.out_acked, half.out_end}):
        packets.append(reset(template, (half.base + out) & LOW32))
    return packets


def reset(template: Segment, seq: int) -> Packet:
    """Return an RST of the sender of a segment, with a number."""
    answer = template.copy()
    answer.flags = RST | ACK
    answer.seq = seq
    answer.payload = b""
    answer.options = b""
    answer.window = 0
    answer.gso_size = 0
    answer.partial = False
    return answer.built()


def turned(segment: Segment) -> Segment:
    """Return a segment from the receiver of another to its sender, without payload."""
    answer = segment.copy()
    answer.source, answer.target = segment.target, segment.source
    answer.head = turned_head(segment.head)
    answer.payload = b""
    answer.options = b""
    answer.gso_size = 0
    answer.partial = False
    return answer


def turned_head(head: bytes) -> bytes:
    """Return an IP header with the addresses exchanged, without options."""
    if head[0] >> 4 == 6:
        fixed = head[:6] + b"\x06\x40" + head[24:40] + head[8:24]
        return fixed[:4] + b"\0\0" + fixed[6:]
    fixed = b"\x45" + head[1:8] + b"\x40\x06\0\0" + head[16:20] + head[12:16]
    # Neither an offset nor more fragments; the way back is not measured.
    return fixed[:6] + b"\0\0" + fixed[8:]


def answered_with_reset(segment: Segment) -> Packet | None:
    """Return what a closed port answers a segment (RFC 9293 section 3.10.7.1)."""
    if segment.flags & RST:
        return None
    answer = turned(segment)
    answer.window = 0
    if segment.flags & ACK:
        answer.seq, answer.ack, answer.flags = segment.ack, 0, RST
    else:
        length = len(segment.payload) + (segment.flags & FIN) + (segment.flags >> 1 & 1)
        answer.seq, answer.ack = 0, (segment.seq + length) & LOW32
        answer.flags = RST | ACK
    return answer.built()
