"""Wireshark's analysis of sequence numbers: what is remarkable about each segment.

The conditions are those of Wireshark 4.0.17 (``packet-tcp.c``), and with the profile
``4.4`` those of 4.4.18; docs/analysis.md has them in words. Some are odd, and kept so:
who knows the flags from there shall find the same ones here. A sequence number of 0
stands for one that is not known, as there.

Nothing here is an object: a half is HALF_WORDS numbers, a conversation
CONVERSATION_WORDS. It takes rows of decoded segments and changes nothing else.
"""

from unpacket._core.constants import ACK, FIN, HALF32, LOW32, RST, SYN
from unpacket._core.decode.segments import BATCH_DATA, NO_WSCALE, Segments
from unpacket._core.memory.batch import Batch
from unpacket.analysis.columns import Columns
from unpacket.analysis.constants import (
    ACK_LOST_SEGMENT,
    BASE_SEQ,
    BASE_SET,
    BYTES_KNOWN,
    C_ACK,
    C_ACK_RTT_NS,
    C_ACKS_FRAME,
    C_BYTES_IN_FLIGHT,
    C_COMPLETENESS,
    C_CONVERSATION,
    C_DIRECTION,
    C_DUPLICATE_ACK_FRAME,
    C_DUPLICATE_ACK_NUM,
    C_FLAGS,
    C_FRAME,
    C_INITIAL_RTT_NS,
    C_LENGTH,
    C_PUSH_BYTES_SENT,
    C_RTO_FRAME,
    C_RTO_NS,
    C_SACK_LEFT,
    C_SACK_RIGHT,
    C_SEQ,
    C_TCP_FLAGS,
    C_TIME_NS,
    C_WINDOW,
    COLUMN_WORDS,
    COMPLETENESS,
    CONVERSATION_WORDS,
    DUPLICATE_ACK,
    DUPLICATES,
    FAST_RETRANSMISSION,
    FIRST_ACK_FRAME,
    FIRST_FRAME,
    FIRST_NS,
    HALF_WORDS,
    HAS_ACKED,
    HISTORY,
    INITIAL_RTT_NS,
    KEEP_ALIVE,
    KEEP_ALIVE_ACK,
    L_ACK,
    L_AGAIN,
    L_DATA,
    L_FIN,
    L_RST,
    L_SYN,
    L_SYN_ACK,
    L_ZERO,
    LAST_ACK,
    LAST_FLAGS,
    LAST_FRAME,
    LAST_NS,
    LOST_SEGMENT,
    MAX_ACKABLE,
    MOST_LETTERS,
    MOST_SACKS,
    NEXT_FRAME,
    NEXT_NS,
    NEXT_SEQ,
    NEXT_WAS_EMPTY,
    NONE_YET,
    NOT_KNOWN,
    NOT_USED,
    OUT_OF_ORDER,
    PACKETS,
    PARTIAL_ACK,
    PREVIOUS_NS,
    PSH,
    PUSH_BYTES,
    RETRANSMISSION,
    REUSED_PORTS,
    SACK,
    SACKS,
    SAW_ACK,
    SAW_DATA,
    SAW_FIN,
    SAW_RST,
    SAW_SYN,
    SAW_SYN_ACK,
    SENT_AGAIN,
    SHIFT,
    SPURIOUS_RETRANSMISSION,
    SYN_DIRECTION,
    SYN_NS,
    WAS_PUSHED,
    WINDOW,
    WINDOW_FULL,
    WINDOW_UPDATE,
    ZERO_WINDOW,
    ZERO_WINDOW_PROBE,
    ZERO_WINDOW_PROBE_ACK,
)
from unpacket.analysis.flow_table import Conversations
from unpacket.analysis.totals import Totals
from unpacket.analysis.unacked import END_OF_LIST, Unacked, twice

FIRST_ROOM = 256
CONTROL = SYN | FIN | RST
# A window that no segment has.
NO_WINDOW = LOW32
# How soon after a duplicate ACK a retransmission is a fast one, and after the newest
# segment an old one is out of order where the initial RTT is not known (Wireshark).
FAST_NS = 20_000_000
REORDERED_NS = 3_000_000
MOST_IN_FLIGHT = 2_000_000_000
DEFAULT_CONVERSATIONS = 1 << 18


class Tracker:
    """Analyses segments in the order of the capture.

    Args:
        newer: Whether by the conditions of Wireshark 4.4, and not of 4.0.
        max_conversations: Of more than these nothing is analysed; segments of others
            are counted.

    Attributes:
        conversations: Which there are; a number is ``tcp.stream`` in Wireshark, as
            long as both find the same segments.
        halves: The state of both halves of each, that of the lower end first.
        facts: The state of each.
        totals: What was counted of each half.
        left_out: Segments of conversations beyond the bound.
    """

    __slots__ = (
        "_most",
        "_newer",
        "_rto_frame",
        "_rto_ns",
        "conversations",
        "facts",
        "halves",
        "left_out",
        "totals",
        "unacked",
    )

    def __init__(
        self, newer: bool = False, max_conversations: int = DEFAULT_CONVERSATIONS
    ) -> None:
        self._newer = newer
        self._most = max_conversations
        self._rto_frame = 0
        self._rto_ns = 0
        self.conversations = Conversations()
        self.unacked = Unacked()
        self.totals = Totals()
        self.halves = memoryview(bytearray(16 * HALF_WORDS * FIRST_ROOM)).cast("q")
        self.facts = memoryview(bytearray(8 * CONVERSATION_WORDS * FIRST_ROOM)).cast(
            "q"
        )
        self.left_out = 0

    def take(
        self,
        segments: Segments,
        batch: Batch,
        start: int,
        stop: int,
        columns: Columns | None,
    ) -> None:
        """Analyse rows of segments; write what was found to ``columns``, if any."""
        for i in range(start, stop):
            self.take_row(segments, batch, i, columns)

    def take_row(
        self, segments: Segments, batch: Batch, i: int, columns: Columns | None
    ) -> None:
        """Analyse a row."""
        flags = segments.flags[i]
        seq = segments.seq[i]
        ack = segments.ack[i]
        length = segments.length[i]
        time_ns = segments.time_ns[i]
        direction = segments.direction[i]
        frame = batch.first_number + segments.index[i]
        found = 0
        slot = self.conversations.slot_of(segments, i)
        number = self.conversations.at(slot)
        if number >= 0 and flags & SYN and self.is_reused(number, direction, flags, seq):
            found = REUSED_PORTS
            if not flags & ACK or self._newer:
                number = NONE_YET
        if number < 0:
            if self.conversations.count >= self._most:
                self.left_out += 1
                return
            number = self.conversations.begin(slot, segments, i)
            self.begin(number, frame, time_ns)
        conversation = number * CONVERSATION_WORDS
        half = 2 * number + direction
        peer = half ^ 1
        fwd = half * HALF_WORDS
        rev = peer * HALF_WORDS
        halves = self.halves
        facts = self.facts
        if found and halves[fwd + BASE_SET]:
            halves[fwd + BASE_SEQ] = seq
            self.unacked.measure(half, seq)
        if not halves[fwd + BASE_SET]:
            halves[fwd + BASE_SET] = 1
            halves[fwd + BASE_SEQ] = seq if flags & SYN else (seq - 1) & LOW32
        if flags & ACK and not halves[rev + BASE_SET]:
            halves[rev + BASE_SET] = 1
            halves[rev + BASE_SEQ] = (ack - 1) & LOW32
        window = segments.window[i]
        found |= self.flags_of(fwd, rev, half, peer, flags, seq, ack, length, window)
        if halves[fwd + LAST_ACK] != ack:
            halves[fwd + FIRST_ACK_FRAME] = frame
            halves[fwd + DUPLICATES] = 0
        if flags & ACK and halves[rev + MAX_ACKABLE]:
            found |= self.beyond(fwd, rev, peer, ack)
        self._rto_frame = 0
        if (length > 0 or flags & (SYN | FIN)) and not found & KEEP_ALIVE:
            found |= self.sent_again(
                fwd, rev, half, conversation, flags, seq, length, time_ns
            )
        is_late = (
            found & (SENT_AGAIN | OUT_OF_ORDER) != 0
            and not found & SPURIOUS_RETRANSMISSION
            and not self.unacked.has(half, seq, (seq + 1) & LOW32)
        )
        unacked_before = self.unacked.count(half)
        self.remember(fwd, half, found, flags, seq, ack, length, window, time_ns, frame)
        self.unacked.acknowledge(peer, halves[rev + BASE_SEQ], ack)
        if self._newer and self.unacked.is_partial:
            found |= PARTIAL_ACK
        halves[fwd + LAST_FLAGS] = found
        in_flight = 0
        push_bytes = 0
        if length and halves[fwd + BYTES_KNOWN] and self.unacked.count(half):
            in_flight = self.bytes_in_flight(half, rev, flags)
            push_bytes = self.pushed(fwd, flags, length)
        self.read_options(segments, batch, i, fwd, rev, flags)
        self.note(conversation, direction, flags, length, time_ns)
        self.write_history(conversation, direction, flags, length, found)
        shift = max(halves[fwd + SHIFT], 0) if not flags & SYN else 0
        rtt_ns = NONE_YET
        if self.unacked.acked_frame or (self._newer and self.unacked.is_partial):
            rtt_ns = time_ns - self.unacked.acked_ns
        self.totals.add(
            half,
            frame,
            time_ns,
            flags,
            length,
            found,
            rtt_ns,
            window << shift,
            in_flight,
            segments.copy[i] > 0,
            is_late,
            unacked_before,
            max(halves[rev + WINDOW], 0) << max(halves[rev + SHIFT], 0),
        )
        facts[conversation + LAST_FRAME] = frame
        facts[conversation + PREVIOUS_NS] = time_ns
        facts[conversation + PACKETS] += 1
        if columns is None:
            return
        at = columns.next_row() * COLUMN_WORDS
        words = columns.words
        words[at + C_FRAME] = frame
        words[at + C_TIME_NS] = time_ns
        words[at + C_CONVERSATION] = number
        words[at + C_DIRECTION] = direction
        words[at + C_TCP_FLAGS] = flags
        words[at + C_SEQ] = (seq - halves[fwd + BASE_SEQ]) & LOW32
        words[at + C_ACK] = (ack - halves[rev + BASE_SEQ]) & LOW32 if flags & ACK else 0
        words[at + C_LENGTH] = length
        words[at + C_WINDOW] = window << shift
        words[at + C_FLAGS] = found
        is_duplicate = found & DUPLICATE_ACK
        words[at + C_DUPLICATE_ACK_NUM] = (
            halves[fwd + DUPLICATES] if is_duplicate else 0
        )
        words[at + C_DUPLICATE_ACK_FRAME] = (
            halves[fwd + FIRST_ACK_FRAME] if is_duplicate else 0
        )
        words[at + C_ACKS_FRAME] = self.unacked.acked_frame
        words[at + C_ACK_RTT_NS] = rtt_ns
        words[at + C_BYTES_IN_FLIGHT] = in_flight
        words[at + C_PUSH_BYTES_SENT] = push_bytes if in_flight > 0 else 0
        words[at + C_RTO_NS] = self._rto_ns if self._rto_frame else NONE_YET
        words[at + C_RTO_FRAME] = self._rto_frame
        words[at + C_INITIAL_RTT_NS] = facts[conversation + INITIAL_RTT_NS]
        words[at + C_COMPLETENESS] = facts[conversation + COMPLETENESS]
        has_sack = halves[fwd + SACKS] > 0
        base = halves[rev + BASE_SEQ]
        words[at + C_SACK_LEFT] = (
            (halves[fwd + SACK] - base) & LOW32 if has_sack else NONE_YET
        )
        words[at + C_SACK_RIGHT] = (
            (halves[fwd + SACK + 1] - base) & LOW32 if has_sack else NONE_YET
        )

    def is_reused(self, number: int, direction: int, flags: int, seq: int) -> bool:
        """Return whether a SYN or SYN-ACK is not the one that the half began with."""
        fwd = (2 * number + direction) * HALF_WORDS
        if not self.halves[fwd + BASE_SET]:
            return False
        if self.halves[fwd + BASE_SEQ] != seq:
            return True
        saw = self.facts[number * CONVERSATION_WORDS + COMPLETENESS]
        return self._newer and not flags & ACK and saw & (SAW_FIN | SAW_RST) != 0

    def begin(self, number: int, frame: int, time_ns: int) -> None:
        """Let a conversation of which nothing is known begin."""
        while (number + 1) * CONVERSATION_WORDS > len(self.facts):
            self.facts = twice(self.facts)
            self.halves = twice(self.halves)
        at = number * CONVERSATION_WORDS
        self.facts[at + FIRST_FRAME] = frame
        self.facts[at + FIRST_NS] = time_ns
        self.facts[at + PREVIOUS_NS] = time_ns
        self.facts[at + SYN_NS] = NONE_YET
        self.facts[at + INITIAL_RTT_NS] = NONE_YET
        self.facts[at + SYN_DIRECTION] = NONE_YET
        for half in range(2 * number, 2 * number + 2):
            at = half * HALF_WORDS
            self.halves[at + WINDOW] = NO_WINDOW
            self.halves[at + SHIFT] = NOT_KNOWN
            self.halves[at + BYTES_KNOWN] = 1
            self.unacked.begin(half)
            self.totals.begin(half)

    def flags_of(
        self,
        fwd: int,
        rev: int,
        half: int,
        peer: int,
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
        conversation: int,
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
        soon = self.facts[conversation + INITIAL_RTT_NS]
        if soon <= 0:
            soon = REORDERED_NS
        if 0 <= time_ns - halves[fwd + NEXT_NS] < soon:
            if not self._newer:
                if end != next_seq:
                    return OUT_OF_ORDER
            elif (
                end != next_seq or halves[fwd + NEXT_WAS_EMPTY]
            ) and not self.unacked.has(half, seq, end):
                return OUT_OF_ORDER
        self._rto_frame = halves[fwd + NEXT_FRAME]
        self._rto_ns = time_ns - halves[fwd + NEXT_NS]
        node = (
            self.unacked.oldest_from(half, seq)
            if self._newer
            else self.unacked.oldest(half)
        )
        if node != END_OF_LIST:
            self._rto_frame = self.unacked.frame_of(node)
            self._rto_ns = time_ns - self.unacked.time_of(node)
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
                halves[fwd + SHIFT] = min(segments.wscale[i], 14)
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
            halves[fwd + SACK + n] = (
                batch.data[at] << 24
                | batch.data[at + 1] << 16
                | batch.data[at + 2] << 8
                | batch.data[at + 3]
            )
            at += 4

    def note(
        self, conversation: int, direction: int, flags: int, length: int, time_ns: int
    ) -> None:
        """Note what a segment says of the conversation: its handshake, its end."""
        facts = self.facts
        is_first = facts[conversation + PACKETS] == 0
        saw = facts[conversation + COMPLETENESS]
        if flags & SYN:
            if flags & ACK:
                if not is_first or self._newer:
                    saw |= SAW_SYN_ACK
                if facts[conversation + SYN_DIRECTION] == NONE_YET:
                    facts[conversation + SYN_DIRECTION] = direction ^ 1
            else:
                saw |= SAW_SYN
                facts[conversation + SYN_NS] = time_ns
                facts[conversation + SYN_DIRECTION] = direction
                if length:
                    saw |= SAW_DATA
        elif not is_first or self._newer:
            if flags & ACK and length == 0:
                saw |= SAW_ACK
            if length:
                saw |= SAW_DATA
            if flags & (FIN | ACK) == FIN | ACK:
                saw |= SAW_FIN
            if flags & RST:
                saw |= SAW_RST
        facts[conversation + COMPLETENESS] = saw
        if (
            flags & (SYN | ACK) == ACK
            and facts[conversation + SYN_NS] != NONE_YET
            and facts[conversation + INITIAL_RTT_NS] <= 0
        ):
            facts[conversation + INITIAL_RTT_NS] = (
                time_ns - facts[conversation + SYN_NS]
            )

    def write_history(
        self, conversation: int, direction: int, flags: int, length: int, found: int
    ) -> None:
        """Add to the history what of a segment its sender did for the first time."""
        if flags & SYN:
            self.add_letter(conversation, direction, L_SYN_ACK if flags & ACK else L_SYN)
        if found & SENT_AGAIN and length:
            self.add_letter(conversation, direction, L_AGAIN)
        if found & ZERO_WINDOW:
            self.add_letter(conversation, direction, L_ZERO)
        if length:
            self.add_letter(conversation, direction, L_DATA)
        elif flags & (SYN | FIN | RST | ACK) == ACK:
            self.add_letter(conversation, direction, L_ACK)
        if flags & FIN:
            self.add_letter(conversation, direction, L_FIN)
        if flags & RST:
            self.add_letter(conversation, direction, L_RST)

    def add_letter(self, conversation: int, direction: int, letter: int) -> None:
        """Add a letter to the history, unless it is there."""
        at = conversation + HISTORY
        number = 8 * direction + letter
        seen = self.facts[at]
        count = seen >> 32
        if seen >> number & 1 or count == MOST_LETTERS:
            return
        self.facts[at] = (seen | 1 << number) + (1 << 32)
        self.facts[at + 1 + (count >> 3)] |= (number + 1) << (count & 7) * 8
