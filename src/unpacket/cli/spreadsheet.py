"""``unpacket streams --csv``: streams as values joined by commas (RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from unpacket.faces.iterate import Summary
from unpacket.records.summary import Missing

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NS_PER_SECOND = 10**9


def missing_bytes(side: list[Missing]) -> int:
    return sum(gap.length for gap in side)


# The order is a promise: what comes later has its place behind these.
COLUMNS: dict[str, tuple[Callable[[Summary], Any], str]] = {
    "id": (lambda s: s.id, "from 0, in the order of first packets"),
    "client_address": (lambda s: s.client.address, "the client's address"),
    "client_port": (lambda s: s.client.port, "and its port"),
    "server_address": (lambda s: s.server.address, "the server's address"),
    "server_port": (lambda s: s.server.port, "and its port"),
    "role_evidence": (lambda s: s.role_evidence, "how the client is known"),
    "path": (lambda s: s.path, "which headers lay around the first packet's TCP"),
    "start": (lambda s: iso(s.first_ns), "when the first packet came, in UTC"),
    "end": (lambda s: iso(s.last_ns), "when the last packet came, in UTC"),
    "start_ns": (lambda s: s.first_ns, "`start` in nanoseconds since 1970"),
    "end_ns": (lambda s: s.last_ns, "`end` in nanoseconds since 1970"),
    "duration_ns": (lambda s: s.last_ns - s.first_ns, "from `start` to `end`"),
    "client_packets": (lambda s: s.packets[0], "how many packets the client sent"),
    "server_packets": (lambda s: s.packets[1], "how many the server sent"),
    "client_bytes": (lambda s: s.bytes[0], "how many bytes the client sent"),
    "server_bytes": (lambda s: s.bytes[1], "how many the server sent"),
    "client_gaps": (lambda s: len(s.gaps[0]), "how many gaps the client's bytes have"),
    "server_gaps": (lambda s: len(s.gaps[1]), "how many the server's have"),
    "client_missing": (lambda s: missing_bytes(s.gaps[0]), "bytes of the first"),
    "server_missing": (lambda s: missing_bytes(s.gaps[1]), "bytes of the others"),
    "gap_reasons": (
        lambda s: joined({gap.reason for side in s.gaps for gap in side}),
        "why bytes are missing, joined by spaces",
    ),
    "conflicts": (lambda s: s.conflicts, "how many segments contradict another"),
    "rejected": (lambda s: sum(s.rejected.values()), "how many were rejected"),
    "rejected_reasons": (lambda s: joined(s.rejected), "why, joined by spaces"),
    "close_reason": (lambda s: s.close_reason, "why the stream ended"),
    "complete": (
        lambda s: "true" if s.complete else "false",
        "start and end seen, no gap, no conflict: true or false",
    ),
    "client_sha256": (
        lambda s: s.sha256 and s.sha256[0],
        "of the client's bytes, gaps left out; empty without `--digest`",
    ),
    "server_sha256": (lambda s: s.sha256 and s.sha256[1], "of the server's bytes"),
    "client_duplicates": (
        lambda s: s.duplicates[0],
        "how many of the client's packets the capture has twice",
    ),
    "server_duplicates": (lambda s: s.duplicates[1], "how many of the server's"),
    "client_other_channel": (
        lambda s: s.other_channel[0],
        "how many of the client's came by another channel than `--channel` takes",
    ),
    "server_other_channel": (lambda s: s.other_channel[1], "how many of the server's"),
    "client_retransmissions": (
        lambda s: s.retransmissions[0],
        "how many of the client's brought again what was captured",
    ),
    "server_retransmissions": (
        lambda s: s.retransmissions[1],
        "how many of the server's",
    ),
}


class CsvForm:
    """A line for each stream below the names of the columns.

    All of them are numbers, times, addresses and words of ours: a spreadsheet finds
    no formula among them.
    """

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.write = write
        write(csv_line(COLUMNS))

    def row(self, summary: Summary) -> bytes:
        return csv_line([value(summary) for value, _ in COLUMNS.values()])

    def finish(self) -> None:
        pass


def csv_line(values: Iterable[Any]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(values)
    return text.getvalue().encode()


def iso(time_ns: int) -> str:
    """Return a time of day to the nanosecond, as ISO 8601 has it."""
    seconds, ns = divmod(time_ns, NS_PER_SECOND)
    moment = EPOCH + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ns:09}Z"


def joined(words: Any) -> str:
    return " ".join(sorted(words))
