"""Owners of a stream's ends as a comment of a capture, which other programs show.

pcapng has no place for them that all read. A comment is one line: a word of ours, and
JSON behind it. Whatever comes from a file is checked: it may be anybody's.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple, TypeAlias

from unpacket.sources.formats.notes import OWNERS
from unpacket.sources.live.owners import (
    LISTENER,
    SOCKET,
    TRACE_EVENT,
    Owners,
    Process,
)

# Of each end; a comment has room for 64 KiB.
MOST_PROCESSES = 8
LONGEST_COMMAND = 2048
NUMBERS = range(1 << 32)
PROCESS_SOURCES = ("", TRACE_EVENT, SOCKET, LISTENER)

# Addresses and ports of client and server.
Ends: TypeAlias = tuple[str, int, str, int]


class OwnerNote(NamedTuple):
    """Who has the ends of a stream that began at a time."""

    ends: Ends
    start_ns: int
    owners: tuple[Owners, Owners]


def written(note: OwnerNote) -> str:
    """Return the comment."""
    client_address, client_port, server_address, server_port = note.ends
    record = {
        "start_ns": note.start_ns,
        "client": side(client_address, client_port, note.owners[0]),
        "server": side(server_address, server_port, note.owners[1]),
    }
    return OWNERS + json.dumps(record, separators=(",", ":"))


def side(address: str, port: int, owners: Owners) -> dict[str, Any]:
    """Return what the comment says of an end."""
    processes = [
        one._replace(command=one.command[:LONGEST_COMMAND])._asdict()
        for one in owners.processes[:MOST_PROCESSES]
    ]
    return {
        "address": address,
        "port": port,
        "process_source": owners.source,
        "processes": processes,
    }


def read(text: str) -> OwnerNote | None:
    """Return what a comment says, or None if it is none of these."""
    if not text.startswith(OWNERS):
        return None
    try:
        record = json.loads(text[len(OWNERS) :])
        client_address, client_port, client = side_of(record["client"])
        server_address, server_port, server = side_of(record["server"])
        start_ns = record["start_ns"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if type(start_ns) is not int:
        return None
    ends = client_address, client_port, server_address, server_port
    return OwnerNote(ends, start_ns, (client, server))


def side_of(record: Any) -> tuple[str, int, Owners]:
    """Return address, port and owners of an end.

    Raises:
        ValueError, TypeError, KeyError: It is not as ``side`` writes it.
    """
    processes = tuple(
        Process(
            number(one["pid"]),
            text(one["name"]),
            text(one["command"]),
            text(one["user"]),
            text(one["unit"]),
        )
        for one in record["processes"][:MOST_PROCESSES]
    )
    source = text(record["process_source"])
    if source not in PROCESS_SOURCES:
        raise ValueError
    owners = Owners(processes, source)
    return text(record["address"]), number(record["port"]), owners


def number(value: Any) -> int:
    if type(value) is not int or value not in NUMBERS:
        raise ValueError
    return value


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
