"""What is known of a stream: each fact once.

From ``FACTS`` are made: ``Summary.to_dict`` and with it all JSON that has a stream,
``streams --csv``, what ``--where`` and ``--sort`` know, and the table in docs/cli.md.
A fact has one name in all of them. Of a fact that each side has, such as ``bytes``,
the client's is

- ``client.bytes`` for ``--where`` and ``--sort``, where ``bytes`` means both;
- ``{"client": {"bytes": ...}}`` in JSON;
- ``client_bytes`` in CSV.

To add a fact: an entry at the end of ``FACTS``, a test of what it says, and
``python docs/write_cli.py``. ``json_line`` may learn to write it, where a line for each
of a million streams has to be fast; until then it is written all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from unpacket._core.constants import EVIDENCE, REASONS
from unpacket._core.decode.reasons import GAP_REASONS, REJECTED_REASONS, UNPLACED
from unpacket.records.fact import FORMS, SIDES, Column, Fact, Kind, Value, joined
from unpacket.sources.live.owners import LISTENER, SOCKET, TRACE_EVENT

__all__ = [
    "COLUMNS",
    "COLUMNS_OF",
    "FACTS",
    "SIDES",
    "Column",
    "Fact",
    "Kind",
    "columns_of",
    "joined",
    "record_of",
    "values_of",
]

PROCESS_SOURCES = (TRACE_EVENT, SOCKET, LISTENER)

# What comes after the end is counted once all was read: a stream is reported sooner.
UNPLACED_BEFORE_END = tuple(reason for reason in UNPLACED if reason != "late")

FACTS: tuple[Fact, ...] = (
    Fact(
        "id",
        Kind.ID,
        "from 0, in the order of first packets",
        lambda s: s.id,
        early=True,
    ),
    Fact(
        "address",
        Kind.ADDRESS,
        "the address; `--where` accepts `client` for `client.address`, also with a "
        "port",
        lambda s: (s.client, s.server),
        each_side=True,
        early=True,
    ),
    Fact(
        "port",
        Kind.PORT,
        "the port",
        lambda s: (s.client.port, s.server.port),
        each_side=True,
        early=True,
    ),
    Fact(
        "packets",
        Kind.COUNT,
        "how many packets the side sent before the stream closed",
        lambda s: s.packets,
        "packets",
        each_side=True,
        summed=True,
    ),
    Fact(
        "duplicates",
        Kind.COUNT,
        "how many packets were sent once, but are twice in the capture",
        lambda s: s.duplicates,
        "packets",
        each_side=True,
        summed=True,
    ),
    Fact(
        "other_channel",
        Kind.COUNT,
        "how many packets came by another channel than the chosen one (`--channel`)",
        lambda s: s.other_channel,
        "packets",
        each_side=True,
        summed=True,
    ),
    Fact(
        "retransmissions",
        Kind.COUNT,
        "how many packets repeated bytes that had been captured",
        lambda s: s.retransmissions,
        "packets",
        each_side=True,
        summed=True,
    ),
    Fact(
        "bytes",
        Kind.BYTES,
        "how many bytes of the side were delivered, without gaps",
        lambda s: s.bytes,
        "bytes",
        each_side=True,
        summed=True,
    ),
    Fact(
        "role_evidence",
        Kind.WORD,
        "how the client is known",
        lambda s: s.role_evidence,
        words=EVIDENCE[1:],
    ),
    Fact(
        "path",
        Kind.TEXT,
        "the headers around TCP in the first packet, see [tunnels](tunnels.md)",
        lambda s: s.path,
    ),
    Fact(
        "start",
        Kind.TIME,
        "when the first packet came",
        lambda s: s.start_ns,
        "ns",
        early=True,
    ),
    Fact("end", Kind.TIME, "when the last packet came", lambda s: s.end_ns, "ns"),
    Fact(
        "duration",
        Kind.DURATION,
        "from the first packet to the last",
        lambda s: s.duration_ns,
        "ns",
    ),
    Fact(
        "first_frame",
        Kind.COUNT,
        "the number of the first packet",
        lambda s: s.first_frame,
        early=True,
    ),
    Fact(
        "close_reason",
        Kind.WORD,
        "why the stream ended",
        lambda s: s.close_reason,
        words=REASONS[1:],
    ),
    Fact(
        "complete",
        Kind.FLAG,
        "whether start and end were seen, without gaps and conflicts",
        lambda s: s.complete,
    ),
    Fact(
        "gaps",
        Kind.COUNT,
        "how many gaps the bytes of the side have",
        lambda s: tuple(map(len, s.gaps)),
        "gaps",
        each_side=True,
        summed=True,
        of_trouble=True,
    ),
    Fact(
        "missing",
        Kind.BYTES,
        "how many bytes are missing in these gaps",
        lambda s: tuple(sum(gap.length for gap in side) for side in s.gaps),
        "bytes",
        each_side=True,
        summed=True,
        of_trouble=True,
    ),
    Fact(
        "gap_list",
        Kind.LIST,
        "each gap as `offset+length:reason`, such as `10+1448:not_captured`",
        lambda s: tuple(
            [f"{gap.offset}+{gap.length}:{gap.reason}" for gap in side]
            for side in s.gaps
        ),
        each_side=True,
        asked=False,
        of_trouble=True,
    ),
    Fact(
        "gap_reason",
        Kind.WORDS,
        "why bytes are missing",
        lambda s: {gap.reason for side in s.gaps for gap in side},
        words=GAP_REASONS,
        of_trouble=True,
    ),
    Fact(
        "conflicts",
        Kind.COUNT,
        "how many segments contradict another one",
        lambda s: s.conflicts,
        "segments",
        of_trouble=True,
    ),
    Fact(
        "rejected",
        Kind.COUNT,
        "how many segments were rejected",
        lambda s: sum(s.rejected.values()),
        "segments",
        of_trouble=True,
    ),
    Fact(
        "rejected_reason",
        Kind.WORDS,
        "why segments were rejected",
        lambda s: s.rejected,
        words=REJECTED_REASONS,
        of_trouble=True,
    ),
    Fact(
        "rejected_list",
        Kind.LIST,
        "how many for each reason, such as `checksum:2 ttl:1`",
        lambda s: [f"{reason}:{count}" for reason, count in s.rejected.items()],
        asked=False,
        of_trouble=True,
    ),
    Fact(
        "unplaced",
        Kind.BYTES,
        "how many captured bytes of the side are in no stream: behind an RST, refused, "
        "or too late for their gap; without bytes after the end",
        lambda s: tuple(sum(side.values()) for side in s.unplaced),
        "bytes",
        each_side=True,
        summed=True,
        of_trouble=True,
    ),
    Fact(
        "unplaced_reason",
        Kind.WORDS,
        "why bytes are in no stream",
        lambda s: {reason for side in s.unplaced for reason in side},
        words=(*UNPLACED_BEFORE_END, *REJECTED_REASONS),
        of_trouble=True,
    ),
    Fact(
        "unplaced_list",
        Kind.LIST,
        "how many bytes for each reason, such as `after_rst:1448`",
        lambda s: tuple(
            [f"{reason}:{count}" for reason, count in side.items()]
            for side in s.unplaced
        ),
        each_side=True,
        asked=False,
        of_trouble=True,
    ),
    Fact(
        "sha256",
        Kind.TEXT,
        "the digest of the delivered bytes, without gaps; with `--digest`",
        lambda s: s.sha256,
        each_side=True,
        optional=True,
        asked=False,
    ),
    Fact(
        "process",
        Kind.TEXT,
        "the program at this end, or several joined by commas (processes are known in "
        "live captures, and in files that `-w` wrote)",
        lambda s: s.owned(lambda owners: owners.names),
        each_side=True,
        optional=True,
        live=True,
    ),
    Fact(
        "pid",
        Kind.COUNT,
        "the number of that process, or of the first one",
        lambda s: s.owned(lambda owners: owners.first and owners.first.pid),
        each_side=True,
        optional=True,
        live=True,
    ),
    Fact(
        "command",
        Kind.TEXT,
        "its command line",
        lambda s: s.owned(lambda owners: owners.first and owners.first.command),
        each_side=True,
        optional=True,
        live=True,
    ),
    Fact(
        "user",
        Kind.TEXT,
        "the name of its user",
        lambda s: s.owned(lambda owners: owners.first and owners.first.user),
        each_side=True,
        optional=True,
        live=True,
    ),
    Fact(
        "unit",
        Kind.TEXT,
        "the unit of systemd, or the container, that it runs in",
        lambda s: s.owned(lambda owners: owners.first and owners.first.unit),
        each_side=True,
        optional=True,
        live=True,
    ),
    Fact(
        "process_source",
        Kind.WORD,
        "how the process was found, see [live capture](live.md)",
        lambda s: s.owned(lambda owners: owners.source or None),
        words=PROCESS_SOURCES,
        each_side=True,
        optional=True,
        live=True,
    ),
    Fact(
        "capture_drops",
        Kind.COUNT,
        "how many packets, of any stream, the capture lost during its life (live only)",
        lambda s: s.capture_drops,
        "packets",
        optional=True,
        live=True,
    ),
)


def columns_of(fact: Fact) -> list[Column]:
    """Return the columns of a fact, in the order of ``values_of``."""
    columns = []
    for form in FORMS[fact.kind]:
        name = fact.name + form.suffix
        paths = [(side, name) for side in SIDES] if fact.each_side else [(name,)]
        columns += [Column(path, fact, form.type) for path in paths]
    return columns


COLUMNS_OF = {fact.name: columns_of(fact) for fact in FACTS}
COLUMNS: tuple[Column, ...] = tuple(chain.from_iterable(COLUMNS_OF.values()))


def values_of(summary: Any, facts: Iterable[Fact] = FACTS) -> Iterator[Value | None]:
    """Give what a ``Summary`` has in each column of facts; None where it has nothing.

    Each fact is read once.
    """
    for fact in facts:
        value = fact.read(summary)
        values = value if fact.each_side else (value,)
        if values is None:
            values = (None, None)
        for form in FORMS[fact.kind]:
            for one in values:
                yield None if one is None else form.of(one)


def record_of(summary: Any, facts: Sequence[Fact] = FACTS) -> dict[str, Any]:
    """Return facts of a stream as JSON has them, in order."""
    record: dict[str, Any] = {}
    columns = chain.from_iterable(
        COLUMNS_OF.get(fact.name) or columns_of(fact) for fact in facts
    )
    for column, value in zip(columns, values_of(summary, facts), strict=True):
        if value is None and column.fact.optional:
            continue
        target = record
        for name in column.path[:-1]:
            target = target.setdefault(name, {})
        target[column.path[-1]] = value
    return record
