"""Takes segments to their conversations, and keeps what is found of both.

Nothing here is an object: a half is HALF_WORDS numbers, a conversation
CONVERSATION_WORDS. It takes rows of decoded segments and changes nothing else.
"""

from unpacket._core.constants import ACK, FIN, LOW32, RST, SYN
from unpacket._core.decode.segments import Segments
from unpacket._core.memory.batch import Batch
from unpacket.analysis.columns import Columns
from unpacket.analysis.constants import (
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
    FIRST_ACK_FRAME,
    FIRST_FRAME,
    FIRST_NS,
    HALF_WORDS,
    HISTORY,
    INITIAL_RTT_NS,
    KEEP_ALIVE,
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
    MAX_ACKABLE,
    MOST_LETTERS,
    NONE_YET,
    OUT_OF_ORDER,
    PACKETS,
    PARTIAL_ACK,
    PREVIOUS_NS,
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
    WINDOW,
    ZERO_WINDOW,
)
from unpacket.analysis.flow_table import Conversations
from unpacket.analysis.sequences import Sequences
from unpacket.analysis.totals import Totals
from unpacket.analysis.unacked import twice

FIRST_ROOM = 256
# Each takes up to 5 KiB.
DEFAULT_CONVERSATIONS = 1 << 17
EARLIEST_NS = -1 << 61
LATEST_NS = 1 << 62


class Tracker:
    """Analyses segments in the order of the capture.

    Args:
        newer: Whether by the conditions of Wireshark 4.4, and not of 4.0.
        max_conversations: Of more than these nothing is analysed; segments of others
            are counted.

    Attributes:
        conversations: Which there are; a number is ``tcp.stream`` in Wireshark, as
            long as both find the same segments.
        sequences: The state of both halves of each, that of the lower end first.
        facts: The state of each.
        totals: What was counted of each half.
        left_out: Segments of conversations beyond the bound.
    """

    __slots__ = (
        "_most",
        "_newer",
        "conversations",
        "facts",
        "left_out",
        "sequences",
        "totals",
    )

    def __init__(
        self, newer: bool = False, max_conversations: int = DEFAULT_CONVERSATIONS
    ) -> None:
        self._newer = newer
        self._most = max_conversations
        self.conversations = Conversations()
        self.totals = Totals()
        self.sequences = Sequences(newer)
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
        # So that no difference of two times is more than fits.
        time_ns = max(EARLIEST_NS, min(segments.time_ns[i], LATEST_NS))
        direction = segments.direction[i]
        frame = batch.first_number + segments.index[i]
        found = 0
        slot = self.conversations.slot_of(segments, i)
        number = self.conversations.at(slot)
        replaced = NONE_YET
        sequences = self.sequences
        if (
            number >= 0
            and flags & SYN
            and self.is_reused(number, direction, flags, seq)
        ):
            found = REUSED_PORTS
            if not flags & ACK or self._newer:
                replaced = number
                number = NONE_YET
        if number < 0:
            if self.conversations.count >= self._most:
                self.left_out += 1
                return
            if replaced >= 0:
                # Nobody acknowledges any more what the old one has sent.
                sequences.unacked.release(2 * replaced)
                sequences.unacked.release(2 * replaced + 1)
            number = self.conversations.begin(slot, segments, i)
            self.begin(number, frame, time_ns)
        conversation = number * CONVERSATION_WORDS
        half = 2 * number + direction
        peer = half ^ 1
        fwd = half * HALF_WORDS
        rev = peer * HALF_WORDS
        halves = sequences.halves
        facts = self.facts
        if found and halves[fwd + BASE_SET]:
            halves[fwd + BASE_SEQ] = seq
            sequences.unacked.measure(half, seq)
        if not halves[fwd + BASE_SET]:
            halves[fwd + BASE_SET] = 1
            halves[fwd + BASE_SEQ] = seq if flags & SYN else (seq - 1) & LOW32
        if flags & ACK and not halves[rev + BASE_SET]:
            halves[rev + BASE_SET] = 1
            halves[rev + BASE_SEQ] = (ack - 1) & LOW32
        window = segments.window[i]
        found |= sequences.flags_of(fwd, rev, flags, seq, ack, length, window)
        if halves[fwd + LAST_ACK] != ack:
            halves[fwd + FIRST_ACK_FRAME] = frame
            halves[fwd + DUPLICATES] = 0
        if flags & ACK and halves[rev + MAX_ACKABLE]:
            found |= sequences.beyond(fwd, rev, peer, ack)
        sequences.rto_frame = 0
        if (length > 0 or flags & (SYN | FIN)) and not found & KEEP_ALIVE:
            found |= sequences.sent_again(
                fwd,
                rev,
                half,
                facts[conversation + INITIAL_RTT_NS],
                flags,
                seq,
                length,
                time_ns,
            )
        is_late = (
            found & (SENT_AGAIN | OUT_OF_ORDER) != 0
            and not found & SPURIOUS_RETRANSMISSION
            and not sequences.unacked.has(half, seq, (seq + 1) & LOW32)
        )
        unacked_before = sequences.unacked.count(half)
        sequences.remember(
            fwd, half, found, flags, seq, ack, length, window, time_ns, frame
        )
        sequences.unacked.acknowledge(peer, halves[rev + BASE_SEQ], ack)
        if self._newer and sequences.unacked.is_partial:
            found |= PARTIAL_ACK
        halves[fwd + LAST_FLAGS] = found
        in_flight = 0
        push_bytes = 0
        if length and halves[fwd + BYTES_KNOWN] and sequences.unacked.count(half):
            in_flight = sequences.bytes_in_flight(half, rev, flags)
            push_bytes = sequences.pushed(fwd, flags, length)
        sequences.read_options(segments, batch, i, fwd, rev, flags)
        self.note(conversation, direction, flags, length, time_ns)
        self.write_history(conversation, direction, flags, length, found)
        shift = max(halves[fwd + SHIFT], 0) if not flags & SYN else 0
        rtt_ns = NONE_YET
        if sequences.unacked.acked_frame or (
            self._newer and sequences.unacked.is_partial
        ):
            rtt_ns = time_ns - sequences.unacked.acked_ns
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
        words[at + C_TIME_NS] = segments.time_ns[i]
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
        words[at + C_ACKS_FRAME] = sequences.unacked.acked_frame
        words[at + C_ACK_RTT_NS] = rtt_ns
        words[at + C_BYTES_IN_FLIGHT] = in_flight
        words[at + C_PUSH_BYTES_SENT] = push_bytes if in_flight > 0 else 0
        words[at + C_RTO_NS] = sequences.rto_ns if sequences.rto_frame else NONE_YET
        words[at + C_RTO_FRAME] = sequences.rto_frame
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
        if not self.sequences.halves[fwd + BASE_SET]:
            return False
        if self.sequences.halves[fwd + BASE_SEQ] != seq:
            return True
        saw = self.facts[number * CONVERSATION_WORDS + COMPLETENESS]
        return self._newer and not flags & ACK and saw & (SAW_FIN | SAW_RST) != 0

    def begin(self, number: int, frame: int, time_ns: int) -> None:
        """Let a conversation of which nothing is known begin."""
        while (number + 1) * CONVERSATION_WORDS > len(self.facts):
            self.facts = twice(self.facts)
        at = number * CONVERSATION_WORDS
        self.facts[at + FIRST_FRAME] = frame
        self.facts[at + FIRST_NS] = time_ns
        self.facts[at + PREVIOUS_NS] = time_ns
        self.facts[at + SYN_NS] = NONE_YET
        self.facts[at + INITIAL_RTT_NS] = NONE_YET
        self.facts[at + SYN_DIRECTION] = NONE_YET
        for half in range(2 * number, 2 * number + 2):
            self.sequences.begin(half)
            self.totals.begin(half)

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
            self.add_letter(
                conversation, direction, L_SYN_ACK if flags & ACK else L_SYN
            )
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
