"""Zeek's ``conn.log`` of the streams: as lines of TSV, or as JSON.

What Zeek knows and we do not is unset: the service, whether an end is local, tunnels.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from unpacket.records.summary import Summary

# Name and type of each field, in Zeek's order.
FIELDS = (
    ("ts", "time"),
    ("uid", "string"),
    ("id.orig_h", "addr"),
    ("id.orig_p", "port"),
    ("id.resp_h", "addr"),
    ("id.resp_p", "port"),
    ("proto", "enum"),
    ("service", "string"),
    ("duration", "interval"),
    ("orig_bytes", "count"),
    ("resp_bytes", "count"),
    ("conn_state", "string"),
    ("local_orig", "bool"),
    ("local_resp", "bool"),
    ("missed_bytes", "count"),
    ("history", "string"),
    ("orig_pkts", "count"),
    ("orig_ip_bytes", "count"),
    ("resp_pkts", "count"),
    ("resp_ip_bytes", "count"),
    ("tunnel_parents", "set[string]"),
    ("community_id", "string"),
)
UNSET = "-"
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
UID_DIGITS = 17

encode = json.JSONEncoder(separators=(",", ":")).encode


def record_of(summary: Summary) -> dict[str, Any]:
    """Return the fields of a stream that there are."""
    found = summary.analysis
    missed = sum(gap.length for side in summary.gaps for gap in side)
    client, server = (
        count + sum(gap.length for gap in gaps)
        for count, gaps in zip(summary.bytes, summary.gaps, strict=True)
    )
    record: dict[str, Any] = {
        "ts": seconds(summary.start_ns),
        "uid": uid_of(summary),
        "id.orig_h": summary.client.address,
        "id.orig_p": summary.client.port,
        "id.resp_h": summary.server.address,
        "id.resp_p": summary.server.port,
        "proto": "tcp",
    }
    if summary.duration_ns:
        record["duration"] = seconds(summary.duration_ns)
        record["orig_bytes"] = client
        record["resp_bytes"] = server
    if found is not None:
        record["conn_state"] = found.conn_state
    record["missed_bytes"] = missed
    if found is not None:
        record["history"] = found.history
    record["orig_pkts"], record["resp_pkts"] = summary.packets
    if found is not None:
        record["community_id"] = found.community_id
    return record


def seconds(time_ns: int) -> float:
    """Return a time as Zeek has it, in seconds with microseconds."""
    return round(time_ns / 1_000_000_000, 6)


def uid_of(summary: Summary) -> str:
    """Return a name for a connection that is the same each time it is read.

    Zeek's are drawn at random.
    """
    text = f"{summary.client} {summary.server} {summary.start_ns} {summary.first_frame}"
    digest = hashlib.sha256(text.encode()).digest()
    number = int.from_bytes(digest[:13], "big")
    digits = []
    for _ in range(UID_DIGITS):
        number, digit = divmod(number, len(DIGITS))
        digits.append(DIGITS[digit])
    return "C" + "".join(digits)


def json_line(summary: Summary) -> bytes:
    """Return a stream as an object in a line."""
    return encode(record_of(summary)).encode() + b"\n"


def heading() -> bytes:
    """Return the lines above those of TSV."""
    names = "\t".join(name for name, _ in FIELDS)
    types = "\t".join(kind for _, kind in FIELDS)
    return (
        "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n"
        f"#unset_field\t{UNSET}\n#path\tconn\n#fields\t{names}\n#types\t{types}\n"
    ).encode()


def tsv_line(summary: Summary) -> bytes:
    """Return a stream as a line of TSV."""
    record = record_of(summary)
    values = [text_of(record.get(name), kind) for name, kind in FIELDS]
    return ("\t".join(values) + "\n").encode()


def text_of(value: Any, kind: str) -> str:
    """Return a value as TSV has it."""
    if value is None or value == "":
        return UNSET
    if kind in ("time", "interval"):
        return f"{value:.6f}"
    return str(value)


def lines(form: str) -> tuple[bytes, Callable[[Summary], bytes]]:
    """Return what stands above the lines of a form, and what makes them."""
    return (b"", json_line) if form == "json" else (heading(), tsv_line)


def written(summaries: Iterator[Summary], form: str) -> Iterator[bytes]:
    """Give the log of streams, a line at a time."""
    above, line = lines(form)
    if above:
        yield above
    yield from map(line, summaries)
