"""``unpacket streams --csv``: streams as values joined by commas (RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from typing import Any

from unpacket.records.facts import COLUMNS, values_of
from unpacket.records.summary import Summary

# The order is a promise: what comes later has its place behind these.
NAMES = tuple(column.name for column in COLUMNS)


class CsvForm:
    """A line for each stream below the names of the columns.

    All of them are numbers, times, addresses and words of ours: a spreadsheet finds
    no formula among them.
    """

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.write = write
        write(csv_line(NAMES))

    def row(self, summary: Summary) -> bytes:
        return csv_line(map(cell, values_of(summary)))

    def finish(self) -> None:
        pass


def cell(value: Any) -> Any:
    """Return what stands for a value: of true and false what JSON has."""
    return str(value).lower() if isinstance(value, bool) else value


def csv_line(values: Iterable[Any]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(values)
    return text.getvalue().encode()
