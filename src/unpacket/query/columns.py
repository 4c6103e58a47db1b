"""What can be asked of a stream, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from unpacket._core.constants import EVIDENCE, REASONS
from unpacket._core.decode.reasons import GAP_REASONS, REJECTED_REASONS
from unpacket.query.values import (
    ADDRESS,
    COUNT,
    DURATION,
    FLAG,
    ID,
    INSTANT,
    PORT,
    SIZE,
    Kind,
    words,
)
from unpacket.records.summary import Missing, Summary


class Column(NamedTuple):
    """What can be asked of a stream.

    Attributes:
        values: Returns the values that a stream has; mostly one.
        early: Whether that is known when the stream opens.
        help: For the documentation.
    """

    kind: Kind
    values: Callable[[Any], Any]
    help: str
    early: bool = False


def missing(side: list[Missing]) -> int:
    return sum(gap.length for gap in side)


def gap_reasons(summary: Summary) -> set[str]:
    return {gap.reason for side in summary.gaps for gap in side}


COLUMNS: dict[str, Column] = {
    "id": Column(ID, lambda s: (s.id,), "the id of the stream", early=True),
    "client": Column(ADDRESS, lambda s: (s.client,), "the client's end", early=True),
    "server": Column(ADDRESS, lambda s: (s.server,), "the server's end", early=True),
    "address": Column(
        ADDRESS, lambda s: (s.client, s.server), "either end", early=True
    ),
    "client.port": Column(
        PORT, lambda s: (s.client.port,), "the client's port", early=True
    ),
    "server.port": Column(
        PORT, lambda s: (s.server.port,), "the server's port", early=True
    ),
    "port": Column(
        PORT, lambda s: (s.client.port, s.server.port), "either port", early=True
    ),
    "start": Column(
        INSTANT, lambda s: (s.first_ns,), "when the first packet came", early=True
    ),
    "end": Column(INSTANT, lambda s: (s.last_ns,), "when the last packet came"),
    "duration": Column(
        DURATION,
        lambda s: (s.last_ns - s.first_ns,),
        "from the first packet to the last",
    ),
    "bytes": Column(
        SIZE, lambda s: (sum(s.bytes),), "how many bytes both sides sent, gaps left out"
    ),
    "client.bytes": Column(SIZE, lambda s: (s.bytes[0],), "those of the client"),
    "server.bytes": Column(SIZE, lambda s: (s.bytes[1],), "those of the server"),
    "packets": Column(
        COUNT, lambda s: (sum(s.packets),), "how many packets both sides sent"
    ),
    "client.packets": Column(COUNT, lambda s: (s.packets[0],), "those of the client"),
    "server.packets": Column(COUNT, lambda s: (s.packets[1],), "those of the server"),
    "duplicates": Column(
        COUNT, lambda s: (sum(s.duplicates),), "how many packets came twice, sent once"
    ),
    "other_channel": Column(
        COUNT,
        lambda s: (sum(s.other_channel),),
        "how many packets came by another channel than the one that --channel takes",
    ),
    "retransmissions": Column(
        COUNT,
        lambda s: (sum(s.retransmissions),),
        "how many packets brought again what was captured",
    ),
    "gaps": Column(
        COUNT, lambda s: (sum(map(len, s.gaps)),), "how many gaps both sides have"
    ),
    "client.gaps": Column(COUNT, lambda s: (len(s.gaps[0]),), "those of the client"),
    "server.gaps": Column(COUNT, lambda s: (len(s.gaps[1]),), "those of the server"),
    "missing": Column(
        SIZE, lambda s: (sum(map(missing, s.gaps)),), "how many bytes these gaps have"
    ),
    "client.missing": Column(
        SIZE, lambda s: (missing(s.gaps[0]),), "those of the client"
    ),
    "server.missing": Column(
        SIZE, lambda s: (missing(s.gaps[1]),), "those of the server"
    ),
    "gap_reason": Column(
        words(*GAP_REASONS), gap_reasons, "why bytes are missing: one of the reasons"
    ),
    "conflicts": Column(
        COUNT, lambda s: (s.conflicts,), "how many segments contradict another"
    ),
    "rejected": Column(
        COUNT, lambda s: (sum(s.rejected.values()),), "how many segments were rejected"
    ),
    "rejected_reason": Column(
        words(*REJECTED_REASONS), lambda s: s.rejected, "why they were: one of them"
    ),
    "close_reason": Column(
        words(*REASONS[1:]), lambda s: (s.close_reason,), "why the stream ended"
    ),
    "role_evidence": Column(
        words(*EVIDENCE[1:]), lambda s: (s.role_evidence,), "how the client is known"
    ),
    "complete": Column(
        FLAG, lambda s: (s.complete,), "start and end seen, no gap, no conflict"
    ),
}
