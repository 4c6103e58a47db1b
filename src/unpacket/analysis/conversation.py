"""A conversation as people ask about it: times, rates, windows, how it began and ended.

All of it is read once, when the conversation is reported: what the tracker goes on to
count changes nothing here.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from typing import TYPE_CHECKING, NamedTuple

from unpacket._core.constants import LOW32
from unpacket._core.reassembly.stream import Endpoint
from unpacket.analysis.constants import (
    COMPLETENESS,
    CONVERSATION_WORDS,
    FIRST_FRAME,
    FIRST_NS,
    FLAG_COUNT,
    FLAGS,
    HISTORY,
    INITIAL_RTT_NS,
    KEY_WORDS,
    LAST_FRAME,
    LETTERS,
    NONE_YET,
    PREVIOUS_NS,
    SAW_SYN,
    SAW_SYN_ACK,
    SYN_DIRECTION,
    T_AGAIN_BYTES,
    T_AGAIN_PACKETS,
    T_BLOCKED_NS,
    T_BYTES,
    T_CLOCKED_NS,
    T_COPIES,
    T_DATA_PACKETS,
    T_FILLED_PACKETS,
    T_FINS,
    T_FIRST_DATA_FRAME,
    T_FIRST_DATA_NS,
    T_FIRST_FIN_FRAME,
    T_FIRST_RST_FRAME,
    T_FIRST_SYN_FRAME,
    T_FLAG_FRAMES,
    T_FLAGS,
    T_FLIGHT_MAX,
    T_IDLE_NS,
    T_LAST_DATA_FRAME,
    T_LAST_DATA_NS,
    T_LONGEST_PAUSE_FRAME,
    T_LONGEST_PAUSE_NS,
    T_MOMENT,
    T_PACED_NS,
    T_PACKETS,
    T_RECOVERY_NS,
    T_RSTS,
    T_RTT_MAX_NS,
    T_RTT_MIN_NS,
    T_RTTS,
    T_SEGMENT_MAX,
    T_SYNS,
    T_THINK_NS,
    T_WINDOW_MAX,
    T_WINDOW_MIN,
    T_WINDOW_SUM,
    T_WINDOWS,
    T_ZERO_NS,
    T_ZERO_SINCE_NS,
    TOTAL_WORDS,
)

if TYPE_CHECKING:
    from unpacket.analysis.tracker import Tracker
    from unpacket.analysis.verdict import Verdict

SECOND_NS = 1_000_000_000
MILLION = 1_000_000
TCP = 6

# Of RFC 9293's states, as Zeek's conn_state sums them up.
CONN_STATES = (
    "S0", "S1", "SF", "REJ", "S2", "S3", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR",
    "OTH",
)  # fmt: skip


class Side:
    """What one end of a conversation sent, and how the other answered.

    Times are in nanoseconds, None where there is none; frames are numbers, 0 for none.

    Attributes:
        packets: Without those that the capture has twice.
        bytes: Payload on the wire, what was sent again too.
        again: Segments with payload that came again, though they had been captured.
        late: Segments that came late, and had not been captured: lost before the
            place of the capture, or out of order.
        rtt_ns: How long what it sent took to be acknowledged: the median; beside it
            least, most and what 95 of 100 do not exceed.
        flags: How many segments have each flag, those that some have.
        frames: The first of them.
        pauses: What kept it from sending, in ns: blocked, recovery, idle, think,
            clocked, paced; see ``analysis.totals``.
        moment: The sum of each segment's bytes, times the milliseconds since the first.
    """

    __slots__ = (
        "again",
        "again_bytes",
        "bytes",
        "data_packets",
        "fins",
        "first_data_frame",
        "first_data_ns",
        "first_fin_frame",
        "first_rst_frame",
        "first_syn_frame",
        "flags",
        "flight_max",
        "frames",
        "last_data_frame",
        "last_data_ns",
        "late",
        "longest_pause_frame",
        "longest_pause_ns",
        "moment",
        "packets",
        "pauses",
        "rsts",
        "rtt_95_ns",
        "rtt_max_ns",
        "rtt_min_ns",
        "rtt_ns",
        "segment_max",
        "syns",
        "window_max",
        "window_mean",
        "window_min",
        "zero_window_ns",
    )

    def __init__(self, tracker: Tracker, half: int, end_ns: int) -> None:
        words = tracker.totals.words
        at = half * TOTAL_WORDS
        self.packets = words[at + T_PACKETS] - words[at + T_COPIES]
        self.bytes = words[at + T_BYTES]
        self.data_packets = words[at + T_DATA_PACKETS]
        self.again = words[at + T_AGAIN_PACKETS]
        self.again_bytes = words[at + T_AGAIN_BYTES]
        self.late = words[at + T_FILLED_PACKETS]
        self.syns = words[at + T_SYNS]
        self.fins = words[at + T_FINS]
        self.rsts = words[at + T_RSTS]
        self.first_syn_frame = words[at + T_FIRST_SYN_FRAME]
        self.first_fin_frame = words[at + T_FIRST_FIN_FRAME]
        self.first_rst_frame = words[at + T_FIRST_RST_FRAME]
        self.first_data_frame = words[at + T_FIRST_DATA_FRAME]
        self.last_data_frame = words[at + T_LAST_DATA_FRAME]
        self.first_data_ns = words[at + T_FIRST_DATA_NS] if self.bytes else None
        self.last_data_ns = words[at + T_LAST_DATA_NS] if self.bytes else None
        has_rtt = words[at + T_RTTS] > 0
        self.rtt_ns = tracker.totals.quantile(half, 0.5) if has_rtt else None
        self.rtt_95_ns = tracker.totals.quantile(half, 0.95) if has_rtt else None
        self.rtt_min_ns = words[at + T_RTT_MIN_NS] if has_rtt else None
        self.rtt_max_ns = words[at + T_RTT_MAX_NS] if has_rtt else None
        offered = words[at + T_WINDOWS]
        self.window_min = words[at + T_WINDOW_MIN] if offered else None
        self.window_max = words[at + T_WINDOW_MAX] if offered else None
        self.window_mean = words[at + T_WINDOW_SUM] // offered if offered else None
        self.zero_window_ns = words[at + T_ZERO_NS]
        if words[at + T_ZERO_SINCE_NS] != NONE_YET:
            self.zero_window_ns += max(0, end_ns - words[at + T_ZERO_SINCE_NS])
        self.flight_max = words[at + T_FLIGHT_MAX]
        self.segment_max = words[at + T_SEGMENT_MAX]
        self.longest_pause_ns = words[at + T_LONGEST_PAUSE_NS]
        self.longest_pause_frame = words[at + T_LONGEST_PAUSE_FRAME]
        self.pauses = {
            "blocked": words[at + T_BLOCKED_NS],
            "recovery": words[at + T_RECOVERY_NS],
            "idle": words[at + T_IDLE_NS],
            "think": words[at + T_THINK_NS],
            "clocked": words[at + T_CLOCKED_NS],
            "paced": words[at + T_PACED_NS],
        }
        self.moment = words[at + T_MOMENT]
        counts = words[at + T_FLAGS : at + T_FLAGS + FLAG_COUNT]
        firsts = words[at + T_FLAG_FRAMES : at + T_FLAG_FRAMES + FLAG_COUNT]
        self.flags = {FLAGS[n]: count for n, count in enumerate(counts) if count}
        self.frames = {FLAGS[n]: firsts[n] for n, count in enumerate(counts) if count}

    @property
    def rate_ppm(self) -> int:
        """How many of a million segments with payload came again."""
        return self.again * MILLION // self.data_packets if self.data_packets else 0

    @property
    def throughput(self) -> int | None:
        """Bytes a second from the first payload to the last, what came again left out.

        None for less than two segments.
        """
        if self.first_data_ns is None or self.last_data_ns is None:
            return None
        took_ns = self.last_data_ns - self.first_data_ns
        if took_ns <= 0:
            return None
        return (self.bytes - self.again_bytes) * SECOND_NS // took_ns

    @property
    def centre(self) -> float | None:
        """When half of the bytes had been sent, from 0 (at once) to 1 (at the end).

        Near a half where the rate was steady, later where it grew.
        """
        if self.first_data_ns is None or self.last_data_ns is None or not self.bytes:
            return None
        took_ms = (self.last_data_ns - self.first_data_ns) / 1_000_000
        return self.moment / self.bytes / took_ms if took_ms > 0 else None

    def count(self, flag: str) -> int:
        """Return how many segments have a flag."""
        return self.flags.get(flag, 0)


class Key(NamedTuple):
    """The ends of a conversation as the decoder has them, the lower first."""

    a_hi: int
    a_lo: int
    b_hi: int
    b_lo: int
    ports: int
    context: int
    family: int
    hash: int

    @property
    def ends(self) -> tuple[Endpoint, Endpoint]:
        """Both ends, the lower first."""
        return (
            Endpoint(address(self.family, self.a_hi, self.a_lo), self.ports >> 16),
            Endpoint(address(self.family, self.b_hi, self.b_lo), self.ports & 0xFFFF),
        )


def address(family: int, hi: int, lo: int) -> str:
    """Return an address as text."""
    if family == 4:
        return str(ipaddress.IPv4Address(lo & LOW32))
    return str(ipaddress.IPv6Address(hi << 64 | lo))


class Conversation:
    """What was found of a conversation.

    Attributes:
        number: From 0, in the order of first segments: Wireshark's ``tcp.stream``.
        client: The end that sent the SYN, or else the first segment.
        server: The other end.
        sides: What client and server sent.
        initial_rtt_ns: From the last SYN to the first ACK behind the handshake; None if
            not both were captured.
        completeness: The bits of Wireshark's ``tcp.completeness``.
        history: The letters of Zeek; large ones are the client's.
    """

    def __init__(self, tracker: Tracker, number: int, client: Endpoint | None = None):
        at = number * CONVERSATION_WORDS
        facts = tracker.facts
        key = key_of(tracker, number)
        self.number = number
        self.key = key
        self.first_frame = facts[at + FIRST_FRAME]
        self.last_frame = facts[at + LAST_FRAME]
        self.start_ns = facts[at + FIRST_NS]
        self.end_ns = facts[at + PREVIOUS_NS]
        rtt_ns = facts[at + INITIAL_RTT_NS]
        self.initial_rtt_ns = rtt_ns if rtt_ns != NONE_YET else None
        self.completeness = facts[at + COMPLETENESS]
        ends = key.ends
        letters = letters_of(tracker, at)
        lower_is_client = facts[at + SYN_DIRECTION] == 0
        if client is not None and ends[0] != ends[1]:
            lower_is_client = ends[0] == client
        elif facts[at + SYN_DIRECTION] == NONE_YET:
            lower_is_client = not letters or letters[0].isupper()
        if not lower_is_client:
            letters = letters.swapcase()
        self.history = letters
        sides = [Side(tracker, 2 * number + n, self.end_ns) for n in range(2)]
        order = (0, 1) if lower_is_client else (1, 0)
        self.client, self.server = (ends[n] for n in order)
        self.sides = (sides[order[0]], sides[order[1]])

    @property
    def duration_ns(self) -> int:
        """From the first segment to the last."""
        return max(0, self.end_ns - self.start_ns)

    @property
    def verdict(self) -> Verdict:
        """Who is to blame for its slowness."""
        # That module is about this one.
        from unpacket.analysis.verdict import judge

        return judge(self)

    @property
    def start_to_answer_ns(self) -> int:
        """From the first segment to the first payload, or to the last segment."""
        firsts = [side.first_data_ns for side in self.sides if side.first_data_ns]
        return max(0, min(firsts, default=self.end_ns) - self.start_ns)

    @property
    def first_byte_ns(self) -> int | None:
        """From the client's first payload to the server's first; None if not so."""
        asked, answered = (side.first_data_ns for side in self.sides)
        if asked is None or answered is None or answered < asked:
            return None
        return answered - asked

    @property
    def conn_state(self) -> str:
        """How it went, in the words of Zeek's ``conn_state``."""
        client, server = self.sides
        syn = bool(self.completeness & SAW_SYN)
        answer = bool(self.completeness & SAW_SYN_ACK)
        if client.rsts or server.rsts:
            return reset_state(self, syn, answer)
        if not syn:
            if not answer:
                return "OTH"
            return "SHR" if server.fins else "OTH"
        if not answer:
            return "SH" if client.fins else "S0"
        if client.fins and server.fins:
            return "SF"
        if client.fins:
            return "S2"
        return "S3" if server.fins else "S1"

    @property
    def community_id(self) -> str:
        """The Community ID, version 1 with seed 0, of the TCP that is the innermost."""
        return community_id(self.client, self.server)


def reset_state(conversation: Conversation, syn: bool, answer: bool) -> str:
    """Return the state of a conversation that was reset."""
    client, server = conversation.sides
    if syn and not answer:
        # Refused, unless it was the client itself that let go.
        return "REJ" if server.rsts else "RSTOS0"
    if not syn:
        if answer:
            return "RSTRH" if server.rsts else "OTH"
        return "OTH"
    if client.fins and server.fins:
        return "SF"
    by_client = client.first_rst_frame
    by_server = server.first_rst_frame
    if by_client and (not by_server or by_client < by_server):
        return "RSTO"
    return "RSTR"


def key_of(tracker: Tracker, number: int) -> Key:
    """Return the ends of a conversation."""
    at = number * KEY_WORDS
    return Key(*tracker.conversations.keys[at : at + KEY_WORDS])


def letters_of(tracker: Tracker, conversation: int) -> str:
    """Return the history; the lower end's letters are large."""
    at = conversation + HISTORY
    count = tracker.facts[at] >> 32
    letters = []
    for place in range(count):
        byte = tracker.facts[at + 1 + (place >> 3)] >> (place & 7) * 8 & 0xFF
        letter = LETTERS[(byte - 1) & 7]
        letters.append(letter if byte <= len(LETTERS) else letter.lower())
    return "".join(letters)


def community_id(one: Endpoint, other: Endpoint) -> str:
    """Return the Community ID of a TCP connection (github.com/corelight spec, v1)."""
    ends = sorted(
        (ipaddress.ip_address(end.address).packed, end.port.to_bytes(2, "big"))
        for end in (one, other)
    )
    (low, low_port), (high, high_port) = ends
    seed = bytes(2)
    octets = seed + low + high + bytes([TCP, 0]) + low_port + high_port
    digest = hashlib.sha1(octets, usedforsecurity=False).digest()
    return f"1:{base64.b64encode(digest).decode('ascii')}"
