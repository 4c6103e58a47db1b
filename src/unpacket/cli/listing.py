"""The forms in which ``unpacket streams`` prints: a table, JSON.

Each makes a row of a stream, as bytes that may wait until they are sorted, and writes
rows. ``spreadsheet`` has the third one, CSV.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from unpacket.cli.table import Table
from unpacket.faces.iterate import Summary

HEADING = [" id", "client", "server", " start", " duration", " bytes >", " bytes <"]
HEADING += [" packets", "closed", "trouble"]
# Before what was wrong, which is empty or long.
PROCESSES = "processes"
PROCESSES_AT = len(HEADING) - 1
# No cell has one.
BETWEEN_CELLS = "\t"


class Form(Protocol):
    """How streams are listed."""

    def row(self, summary: Summary) -> bytes:
        """Return the row of a stream."""
        ...

    def write(self, row: bytes) -> None:
        """Print it."""
        ...

    def finish(self) -> None:
        """Print what was kept back."""
        ...


class TableForm:
    """Cells below a heading; ``first_ns`` returns the time from which times count."""

    def __init__(self, table: Table, first_ns: Callable[[], int]) -> None:
        self._table = table
        self._first_ns = first_ns

    def row(self, summary: Summary) -> bytes:
        cells = row_of(summary, self._first_ns())
        cells.insert(PROCESSES_AT, summary.owners)
        return BETWEEN_CELLS.join(cells).encode()

    def write(self, row: bytes) -> None:
        self._table.add(row.decode().split(BETWEEN_CELLS))

    def finish(self) -> None:
        self._table.flush()


class JsonForm:
    """An object a line."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.write = write

    def row(self, summary: Summary) -> bytes:
        return summary.to_json().encode() + b"\n"

    def finish(self) -> None:
        pass


def row_of(summary: Summary, first_ns: int) -> list[str]:
    """Return the cells of a stream; its start counts from ``first_ns``."""
    begun_ns = summary.start_ns
    from_client, from_server = summary.bytes
    return [
        str(summary.id),
        str(summary.client),
        str(summary.server),
        seconds(begun_ns - first_ns),
        seconds(summary.end_ns - begun_ns),
        str(from_client),
        str(from_server),
        str(sum(summary.packets)),
        summary.close_reason or "",
        trouble_of(summary),
    ]


def seconds(time_ns: int) -> str:
    return f"{time_ns / 1e9:.3f}"


def trouble_of(summary: Summary) -> str:
    """Return what kept a stream from being whole, or nothing."""
    gaps = [gap for side in summary.gaps for gap in side]
    parts = []
    if gaps:
        missing = counted(sum(gap.length for gap in gaps), "byte")
        parts.append(f"{counted(len(gaps), 'gap')} ({missing})")
    if summary.conflicts:
        parts.append(counted(summary.conflicts, "conflict"))
    if summary.rejected:
        reasons = ", ".join(summary.rejected)
        parts.append(f"{sum(summary.rejected.values())} rejected ({reasons})")
    found = dict.fromkeys(why for side in summary.unplaced for why in side)
    unplaced = [why for why in found if why not in summary.rejected]
    if unplaced:
        count = sum(side.get(why, 0) for side in summary.unplaced for why in unplaced)
        parts.append(f"{counted(count, 'byte')} in no stream ({', '.join(unplaced)})")
    return ", ".join(parts)


def counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
