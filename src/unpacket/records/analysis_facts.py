"""What the analysis knows of a stream, as facts of the same table.

They are there where a capture is analysed: ``unpacket analyze``, and the summaries of
``unpacket.analysis``. ``Summary.analysis`` has them; it is None elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unpacket.records.fact import Fact, Kind, Read
from unpacket.records.facts import FACTS

# As ``analysis.conversation`` and ``analysis.verdict`` have them, which import this.
CONN_STATES = (
    "S0",
    "S1",
    "SF",
    "REJ",
    "S2",
    "S3",
    "RSTO",
    "RSTR",
    "RSTOS0",
    "RSTRH",
    "SH",
    "SHR",
    "OTH",
)
BLAMES = (
    "no_answer",
    "refused",
    "handshake",
    "reset",
    "loss_before_capture",
    "loss_behind_capture",
    "receiver",
    "sender",
    "answer",
    "network",
    "pacing",
    "nothing",
    "not_enough",
)


def whole(read: Callable[[Any], Any]) -> Read:
    """Return what reads something of a conversation."""
    return lambda s: None if s.analysis is None else read(s.analysis)


def sides(read: Callable[[Any], Any]) -> Read:
    """Return what reads something of what each side sent."""
    return lambda s: (
        (None, None)
        if s.analysis is None
        else (read(s.analysis.sides[0]), read(s.analysis.sides[1]))
    )


def pause_of(cause: str) -> Callable[[Any], Any]:
    """Return what reads how long something kept a side from sending."""
    return lambda side: side.pauses[cause]


def counted(name: str, help: str, flag: str = "") -> Fact:
    """Return the fact of how many segments of a side have a flag."""
    return Fact(
        name,
        Kind.COUNT,
        help,
        sides(lambda side: side.count(flag or name)),
        "segments",
        each_side=True,
        summed=True,
        optional=True,
    )


def lasting(name: str, help: str, read: Callable[[Any], Any]) -> Fact:
    """Return the fact of how long something of a side took."""
    return Fact(
        name, Kind.DURATION, help, sides(read), "ns", each_side=True, optional=True
    )


def sized(name: str, help: str, read: Callable[[Any], Any]) -> Fact:
    """Return the fact of how many bytes something of a side has."""
    return Fact(
        name, Kind.BYTES, help, sides(read), "bytes", each_side=True, optional=True
    )


_FACTS: tuple[Fact, ...] = (
    Fact(
        "blame",
        Kind.WORD,
        "who or what is to blame for its slowness, see [analysis](analysis.md)",
        whole(lambda found: found.verdict.blame),
        words=BLAMES,
        optional=True,
    ),
    Fact(
        "blamed_side",
        Kind.TEXT,
        "which side it is, `client` or `server`, or nothing",
        whole(lambda found: found.verdict.side),
        optional=True,
    ),
    Fact(
        "verdict",
        Kind.TEXT,
        "the same in words, with numbers",
        whole(lambda found: found.verdict.sentence),
        optional=True,
        asked=False,
    ),
    Fact(
        "evidence",
        Kind.LIST,
        "the numbers of the packets that show it",
        whole(lambda found: found.verdict.frames),
        optional=True,
        asked=False,
    ),
    Fact(
        "tcp_stream",
        Kind.COUNT,
        "the number of the connection in Wireshark (`tcp.stream`)",
        whole(lambda found: found.number),
        optional=True,
    ),
    Fact(
        "conn_state",
        Kind.WORD,
        "how it went, as Zeek has it",
        whole(lambda found: found.conn_state),
        words=CONN_STATES,
        optional=True,
    ),
    Fact(
        "history",
        Kind.TEXT,
        "what happened, in Zeek's letters; the client's are large",
        whole(lambda found: found.history),
        optional=True,
    ),
    Fact(
        "community_id",
        Kind.TEXT,
        "the Community ID (version 1, seed 0)",
        whole(lambda found: found.community_id),
        optional=True,
    ),
    Fact(
        "completeness",
        Kind.COUNT,
        "what of a connection was captured, in the bits of Wireshark's "
        "`tcp.completeness`",
        whole(lambda found: found.completeness),
        optional=True,
    ),
    Fact(
        "initial_rtt",
        Kind.DURATION,
        "from the last SYN to the ACK that ends the handshake",
        whole(lambda found: found.initial_rtt_ns),
        "ns",
        optional=True,
    ),
    Fact(
        "first_byte",
        Kind.DURATION,
        "from the client's first payload to the server's first",
        whole(lambda found: found.first_byte_ns),
        "ns",
        optional=True,
    ),
    lasting(
        "rtt",
        "how long what the side sent took to be acknowledged, seen from the place of "
        "the capture: the median",
        lambda side: side.rtt_ns,
    ),
    lasting("rtt_min", "the least of that", lambda side: side.rtt_min_ns),
    lasting("rtt_95", "what 95 of 100 do not exceed", lambda side: side.rtt_95_ns),
    lasting("rtt_max", "the most", lambda side: side.rtt_max_ns),
    Fact(
        "throughput",
        Kind.BYTES,
        "bytes a second, from the side's first payload to its last",
        sides(lambda side: side.throughput),
        "bytes",
        each_side=True,
        optional=True,
    ),
    Fact(
        "retransmission_rate",
        Kind.SHARE,
        "how many of its segments with payload had come before",
        sides(lambda side: side.rate_ppm),
        each_side=True,
        optional=True,
    ),
    counted("retransmitted", "segments that Wireshark calls so", "retransmission"),
    counted("fast_retransmission", "as Wireshark has it"),
    counted("spurious_retransmission", "as Wireshark has it"),
    counted("out_of_order", "as Wireshark has it"),
    counted("lost_segment", "behind which Wireshark misses a segment"),
    counted("ack_lost_segment", "that acknowledge what was not captured"),
    counted("duplicate_ack", "as Wireshark has it"),
    counted("keep_alive", "as Wireshark has it"),
    counted("zero_window", "that offer no window"),
    counted("zero_window_probe", "as Wireshark has it"),
    counted("window_full", "that fill the window of the other side"),
    sized("window_min", "the least window that it offered", lambda s: s.window_min),
    sized("window_max", "the largest", lambda s: s.window_max),
    lasting(
        "zero_window_time", "how long its window was 0", lambda s: s.zero_window_ns
    ),
    sized("in_flight", "how much was on its way at most", lambda s: s.flight_max),
    lasting(
        "longest_pause",
        "the longest time between two of its segments with payload",
        lambda side: side.longest_pause_ns,
    ),
    *(
        lasting(f"{cause}_time", help, pause_of(cause))
        for cause, help in (
            ("blocked", "how long the other's window kept it from sending"),
            ("recovery", "how long it made up for a loss"),
            ("idle", "how long it had nothing to send"),
            ("think", "how long it took to answer"),
            ("clocked", "how long it waited for acknowledgements"),
            ("paced", "how long it waited though it could have sent"),
        )
    ),
)

ANALYSIS_FACTS = tuple(fact._replace(analysed=True) for fact in _FACTS)
ALL_FACTS = FACTS + ANALYSIS_FACTS
