"""Wireshark's analysis of sequence numbers: what is remarkable about a segment.

The conditions are those of Wireshark 4.0.17 (``packet-tcp.c``), and with the profile
``4.4`` those of 4.4.18; docs/analysis.md has them in words. Some are odd, and kept so:
who knows the flags from there shall find the same ones here. A sequence number of 0
stands for one that is not known, as there.
"""

from unpacket._core.constants import ACK, FIN, HALF32, LOW32, NO_WSCALE, RST, SYN
from unpacket._core.decode.segments import BATCH_DATA, Segments
from unpacket._core.memory.batch import Batch
from unpacket.analysis.constants import (
    ACK_LOST_SEGMENT,
    BASE_SEQ,
    BYTES_KNOWN,
    DUPLICATE_ACK,
    DUPLICATES,
    END_OF_LIST,
    FAST_RETRANSMISSION,
    HALF_WORDS,
    HAS_ACKED,
    KEEP_ALIVE,
    KEEP_ALIVE_ACK,
    LAST_ACK,
    LAST_FLAGS,
    LAST_NS,
    LOST_SEGMENT,
    MAX_ACKABLE,
    MOST_SACKS,
    NEXT_FRAME,
    NEXT_NS,
    NEXT_SEQ,
    NEXT_WAS_EMPTY,
    NONE_YET,
    NOT_KNOWN,
    NOT_USED,
    OUT_OF_ORDER,
    PSH,
    PUSH_BYTES,
    RETRANSMISSION,
    SACK,
    SACKS,
    SHIFT,
    SPURIOUS_RETRANSMISSION,
    WAS_PUSHED,
    WINDOW,
    WINDOW_FULL,
    WINDOW_UPDATE,
    ZERO_WINDOW,
    ZERO_WINDOW_PROBE,
    ZERO_WINDOW_PROBE_ACK,
)
from unpacket.analysis.unacked import Unacked, twice

CONTROL = SYN | FIN | RST
# A window that no segment has.
NO_WINDOW = LOW32
# How soon after a duplicate ACK a retransmission is a fast one, and after the newest
# segment an old one is out of order where the initial RTT is not known (Wireshark).
FAST_NS = 20_000_000
REORDERED_NS = 3_000_000
MOST_IN_FLIGHT = 2_000_000_000
FIRST_ROOM = 256
MOST_SHIFT = 14


class Sequences:
    """The state of all halves, HALF_WORDS numbers each, and the questions about it.

    A half is named by its place there: ``fwd`` is the sender's of the segment at hand,
    ``rev`` that of the other end.

    Args:
        newer: Whether by the conditions of Wireshark 4.4, and not of 4.0.

    Attributes:
        halves: The state.
        unacked: What each half has sent that waits.
        rto_frame, rto_ns: Of the last segment that ``sent_again`` was asked about,
            which frame it repeats as far as can be said (0: it is no retransmission
            after a timeout), and how long ago that was.
    """

    __slots__ = ("_newer", "halves", "rto_frame", "rto_ns", "unacked")

    def __init__(self, newer: bool) -> None:
        self._newer = newer
        self.halves = memoryview(bytearray(16 * HALF_WORDS * FIRST_ROOM)).cast("q")
        self.unacked = Unacked()
        self.rto_frame = 0
        self.rto_ns = 0

    def begin(self, half: int) -> None:
        """Let nothing be known of a half."""
        at = half * HALF_WORDS
        while at + HALF_WORDS > len(self.halves):
            self.halves = twice(self.halves)
        self.halves[at + WINDOW] = NO_WINDOW
        self.halves[at + SHIFT] = NOT_KNOWN
        self.halves[at + BYTES_KNOWN] = 1
        self.unacked.begin(half)

    def flags_of(
        self,
        fwd: int,
        rev: int,
        flags: int,
        seq: int,
        ack: int,
        length: int,
        window: int,
    ) -> int:
        """Return what a segment is by its window and its place, and note what follows.

        All but what is of the peer's bytes, and of bytes that come again.
        """
        halves = self.halves
        next_seq = halves[fwd + NEXT_SEQ]
        if flags & ACK:
            halves[rev + BYTES_KNOWN] = 1
        if length == 1 and seq == next_seq and halves[rev + WINDOW] == 0:
            return ZERO_WINDOW_PROBE
        found = 0
        plain = not flags & CONTROL
        if window == 0 and plain:
            found |= ZERO_WINDOW
        ahead = (seq - next_seq) & LOW32
        if next_seq and 0 < ahead <= HALF32 and not flags & RST:
            found |= LOST_SEGMENT
            halves[fwd + BYTES_KNOWN] = 0
        if not plain:
            return found
        if length <= 1 and seq == (next_seq - 1) & LOW32:
            found |= KEEP_ALIVE
        if length:
            shift = halves[rev + SHIFT]
            if shift != NOT_KNOWN:
                room = halves[rev + WINDOW]
                if shift > 0 and halves[rev + HAS_ACKED]:
                    room <<= shift
                if (seq + length) & LOW32 == (halves[rev + LAST_ACK] + room) & LOW32:
                    found |= WINDOW_FULL
            return found
        if seq != next_seq:
            return found
        last = halves[rev + LAST_FLAGS]
        same_ack = ack == halves[fwd + LAST_ACK]
        probed = last & ZERO_WINDOW_PROBE
        takes_probe = (
            self._newer and probed and ack == (halves[fwd + LAST_ACK] + 1) & LOW32
        )
        if window and window != halves[fwd + WINDOW] and (same_ack or takes_probe):
            found |= WINDOW_UPDATE
        if window != halves[fwd + WINDOW]:
            return found
        if window and same_ack and last & KEEP_ALIVE:
            return found | KEEP_ALIVE_ACK
        if window == 0 and probed and (same_ack or takes_probe):
            return found | ZERO_WINDOW_PROBE_ACK
        if window and same_ack:
            found |= DUPLICATE_ACK
            halves[fwd + DUPLICATES] = max(halves[fwd + DUPLICATES], 0) + 1
        return found

    def beyond(self, fwd: int, rev: int, peer: int, ack: int) -> int:
        """Return whether an ACK is of bytes that were not captured."""
        halves = self.halves
        most = halves[rev + MAX_ACKABLE]
        ahead = (ack - most) & LOW32
        if not 0 < ahead <= HALF32:
            return 0
        if self._newer:
            end = self.unacked.contiguous_end(peer, ack)
            halves[rev + MAX_ACKABLE] = end
            return ACK_LOST_SEGMENT
        below = (halves[rev + NEXT_SEQ] - most) & LOW32
        if 0 < below <= HALF32:
            halves[rev + MAX_ACKABLE] = halves[rev + NEXT_SEQ]
            return ACK_LOST_SEGMENT
        # Nothing more was captured of the peer: once is enough, until it acknowledges.
        first = halves[rev + DUPLICATES] == 0
        halves[rev + DUPLICATES] = NONE_YET
        return ACK_LOST_SEGMENT if first else 0

    def sent_again(
        self,
        fwd: int,
        rev: int,
        half: int,
        initial_rtt_ns: int,
        flags: int,
        seq: int,
        length: int,
        time_ns: int,
    ) -> int:
        """Return which kind of segment it is that does not begin at the edge."""
        halves = self.halves
        next_seq = halves[fwd + NEXT_SEQ]
        behind = (next_seq - seq) & LOW32
        is_old = next_seq != 0 and 0 < behind <= HALF32
        if length > 1 and behind == 1:
            # New data behind a zero window probe.
            is_old = False
        last_ack = halves[rev + LAST_ACK]
        if length and last_ack:
            left = (seq + length - last_ack) & LOW32
            if left == 0 or left >= HALF32:
                return SPURIOUS_RETRANSMISSION
        if not is_old:
            return 0
        if (
            halves[rev + DUPLICATES] >= 2
            and 0 <= time_ns - halves[rev + LAST_NS] < FAST_NS
            and (last_ack == seq or (self._newer and self.is_hole(rev, seq, length)))
        ):
            return FAST_RETRANSMISSION
        end = (seq + length + (flags & (SYN | FIN) != 0)) & LOW32
        soon = initial_rtt_ns if initial_rtt_ns > 0 else REORDERED_NS
        if 0 <= time_ns - halves[fwd + NEXT_NS] < soon:
            if not self._newer:
                if end != next_seq:
                    return OUT_OF_ORDER
            elif (
                end != next_seq or halves[fwd + NEXT_WAS_EMPTY]
            ) and not self.unacked.has(half, seq, end):
                return OUT_OF_ORDER
        self.rto_frame = halves[fwd + NEXT_FRAME]
        self.rto_ns = time_ns - halves[fwd + NEXT_NS]
        node = (
            self.unacked.oldest_from(half, seq)
            if self._newer
            else self.unacked.oldest(half)
        )
        if node != END_OF_LIST:
            self.rto_frame = self.unacked.frame_of(node)
            self.rto_ns = time_ns - self.unacked.time_of(node)
        return RETRANSMISSION

    def is_hole(self, rev: int, seq: int, length: int) -> bool:
        """Return whether the peer has SACKs, and none of them has the segment."""
        halves = self.halves
        count = halves[rev + SACKS]
        for n in range(count):
            left = halves[rev + SACK + 2 * n]
            right = halves[rev + SACK + 2 * n + 1]
            if (seq - left) & LOW32 < HALF32 and (
                right - seq - length
            ) & LOW32 < HALF32:
                return False
        return count > 0

    def remember(
        self,
        fwd: int,
        half: int,
        found: int,
        flags: int,
        seq: int,
        ack: int,
        length: int,
        window: int,
        time_ns: int,
        frame: int,
    ) -> None:
        """Note what the next segments are compared with."""
        halves = self.halves
        end = (seq + length) & LOW32
        if length or flags & (SYN | FIN):
            behind = (end + (flags & (SYN | FIN) != 0)) & LOW32
            if self.unacked.add(
                half, halves[fwd + BASE_SEQ], seq, behind, time_ns, frame
            ):
                end = behind
        if not found & ZERO_WINDOW_PROBE:
            ahead = (end - halves[fwd + NEXT_SEQ]) & LOW32
            if not halves[fwd + NEXT_SEQ] or 0 < ahead <= HALF32:
                halves[fwd + NEXT_SEQ] = end
                halves[fwd + NEXT_FRAME] = frame
                halves[fwd + NEXT_NS] = time_ns
                halves[fwd + NEXT_WAS_EMPTY] = length == 0
            if not halves[fwd + MAX_ACKABLE] or seq == halves[fwd + MAX_ACKABLE]:
                halves[fwd + MAX_ACKABLE] = halves[fwd + NEXT_SEQ]
        halves[fwd + WINDOW] = window
        halves[fwd + LAST_ACK] = ack
        halves[fwd + LAST_NS] = time_ns

    def bytes_in_flight(self, half: int, rev: int, flags: int) -> int:
        """Return how much is on its way, what was SACKed left out; 0 if unknown."""
        halves = self.halves
        count = self.unacked.in_flight(half)
        # The fourth block is left out, as there.
        for n in range(min(halves[rev + SACKS], MOST_SACKS - 1)):
            count -= (
                halves[rev + SACK + 2 * n + 1] - halves[rev + SACK + 2 * n]
            ) & LOW32
        count &= LOW32
        if not 0 < count < MOST_IN_FLIGHT:
            return 0
        return count - (flags & (SYN | FIN) != 0)

    def pushed(self, fwd: int, flags: int, length: int) -> int:
        """Return how many bytes were sent since the last PSH, this segment's too."""
        halves = self.halves
        if halves[fwd + WAS_PUSHED]:
            halves[fwd + PUSH_BYTES] = length
        else:
            halves[fwd + PUSH_BYTES] += length
        halves[fwd + WAS_PUSHED] = flags & PSH != 0
        return halves[fwd + PUSH_BYTES]

    def read_options(
        self, segments: Segments, batch: Batch, i: int, fwd: int, rev: int, flags: int
    ) -> None:
        """Note the window scale of a SYN, and SACK blocks."""
        halves = self.halves
        if flags & SYN:
            if segments.wscale[i] != NO_WSCALE:
                halves[fwd + SHIFT] = min(segments.wscale[i], MOST_SHIFT)
            if flags & ACK and (
                halves[fwd + SHIFT] == NOT_KNOWN or halves[rev + SHIFT] == NOT_KNOWN
            ):
                halves[fwd + SHIFT] = NOT_USED
                halves[rev + SHIFT] = NOT_USED
        elif flags & ACK:
            halves[fwd + HAS_ACKED] = 1
        count = min(segments.sack_count[i], MOST_SACKS)
        if segments.source[i] != BATCH_DATA:
            # Of a datagram in fragments, which no stack makes of what has SACKs.
            count = 0
        halves[fwd + SACKS] = count
        at = segments.sack_start[i]
        for n in range(2 * count):
            edge = 0
            for _ in range(4):
                octet = batch.data[at]
                edge = edge << 8 | octet
                at += 1
            halves[fwd + SACK + n] = edge
