"""``unpacket streams --csv``: streams as values joined by commas (RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Any

from unpacket.records.analysis_facts import ALL_FACTS, ANALYSIS_FACTS
from unpacket.records.facts import COLUMNS, columns_of, values_of
from unpacket.records.summary import Summary

# The order is a promise: these columns were the first, and what came later, or will
# come, has its place behind them.
FIRST = (
    "id",
    "client_address",
    "client_port",
    "server_address",
    "server_port",
    "role_evidence",
    "path",
    "start",
    "end",
    "start_ns",
    "end_ns",
    "duration_ns",
    "client_packets",
    "server_packets",
    "client_bytes",
    "server_bytes",
    "client_gaps",
    "server_gaps",
    "client_missing",
    "server_missing",
    "gap_reason",
    "conflicts",
    "rejected",
    "rejected_reason",
    "close_reason",
    "complete",
    "client_sha256",
    "server_sha256",
)
PLACES = {column.name: place for place, column in enumerate(COLUMNS)}
NAMES = (*FIRST, *(name for name in PLACES if name not in FIRST))
# Where the values of these stand in the order of the facts.
ORDER = itemgetter(*(PLACES[name] for name in NAMES))


# What an analysis adds comes last.
MORE_NAMES = tuple(
    column.name for fact in ANALYSIS_FACTS for column in columns_of(fact)
)

FORMULA = ("=", "+", "-", "@", "\t", "\r")


class CsvForm:
    """A line for each stream below the names of the columns.

    All of them are numbers, times, addresses and words of ours, or names of programs
    and their users: a spreadsheet finds no formula among them.
    """

    def __init__(
        self, write: Callable[[bytes], None], *, analysed: bool = False
    ) -> None:
        self.write = write
        self._analysed = analysed
        write(csv_line((*NAMES, *MORE_NAMES) if analysed else NAMES))

    def row(self, summary: Summary) -> bytes:
        if not self._analysed:
            return csv_line(map(cell, ORDER(list(values_of(summary)))))
        values = list(values_of(summary, ALL_FACTS))
        return csv_line(map(cell, (*ORDER(values), *values[len(COLUMNS) :])))

    def finish(self) -> None:
        pass


def cell(value: Any) -> Any:
    """Return what stands for a value: of true and false what JSON has.

    A program may be called as a formula is; a spreadsheet takes no text behind an
    apostrophe for one.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value


def csv_line(values: Iterable[Any]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(values)
    return text.getvalue().encode()
