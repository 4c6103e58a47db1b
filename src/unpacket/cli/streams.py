"""``unpacket streams``: a line for each stream."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from unpacket import Policy
from unpacket.cli.inputs import Captures
from unpacket.cli.listing import (
    HEADING,
    PROCESSES,
    PROCESSES_AT,
    Form,
    JsonForm,
    TableForm,
)
from unpacket.cli.live import CaptureArgument, live_options
from unpacket.cli.options import (
    CAPTURE,
    Command,
    merge_option,
    reading_options,
    where_option,
)
from unpacket.cli.output import Color, Output, wants_color
from unpacket.cli.policies import policy_options
from unpacket.cli.root import NOTHING_FOUND
from unpacket.cli.session import nothing_found, session, tell_late
from unpacket.cli.table import Table
from unpacket.cli.values import SortFields
from unpacket.faces.iterate import summaries_of
from unpacket.faces.reader import Reading
from unpacket.records.summary import Summary

if TYPE_CHECKING:
    from unpacket.query.order import Order
    from unpacket.query.parser import Where

# How many rows of a file are kept back for a guess at how wide the columns are.
ROWS_AHEAD = 100


@click.command(
    cls=Command,
    exit_codes={
        0: "streams were found",
        1: "no streams, or none that pass --where or --bpf",
    },
    epilog="""
        unpacket streams examples/sample.pcapng
        unpacket streams examples/sample.pcapng --json --digest
        unpacket streams examples/sample.pcapng --sort -bytes --limit 3
        unpacket streams examples/sample.pcapng --sort gaps,-duration --csv
        unpacket streams examples/sample.pcapng --where 'gaps and server.bytes > 64KiB'
        unpacket streams examples/sample.pcapng --where 'address in 2001:db8::/32'
        unpacket streams examples/sample.pcapng --bpf 'tcp port 80 and not ip6'
        unpacket streams examples/sample.pcapng --preset libtins --gap skip
        unpacket streams examples/sample.pcapng --channel interface
        unpacket streams 'examples/*.pcapng' --merge
        unpacket streams "file://$PWD/examples/sample.pcapng"
        unpacket streams - --json < examples/sample.pcapng | head -n 3
    """,
)
@click.argument(
    "captures",
    cls=CaptureArgument,
    metavar="CAPTURE...",
    type=CAPTURE,
    nargs=-1,
    required=True,
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option(
    "--csv",
    "as_csv",
    is_flag=True,
    help="Comma-separated values (RFC 4180) with a line of names; docs/cli.md lists "
    "them.",
)
@click.option(
    "--sort",
    "order",
    type=SortFields(),
    metavar="FIELD,...",
    help="Sort by these columns of --where, such as bytes, packets, start, duration, "
    "gaps or client; -bytes: the most first. All streams are then printed at the end; "
    "beyond 64 MiB they wait in a temporary file.",
)
@click.option("--reverse", is_flag=True, help="Reverse the order of --sort.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Print only N lines: with --sort the first of all, without it the streams "
    "that end first, and then reading stops.",
)
@click.option(
    "--digest",
    is_flag=True,
    help="Add the SHA-256 of the bytes of each side, without gaps.",
)
@where_option
@merge_option
@reading_options
@live_options("-i")
@policy_options()
def streams(
    captures: tuple[str, ...],
    as_json: bool,
    as_csv: bool,
    order: str | None,
    reverse: bool,
    limit: int | None,
    digest: bool,
    where: Where | None,
    policy: Policy,
    color: Color,
    **opening: Any,
) -> int:
    """List the TCP streams of captures: their ends, sizes, and what is missing.

    CAPTURE is a pcap or pcapng file, a URL, or - for standard input. Several captures,
    or a glob in quotes, are read as one, in the order of time.

    Each stream is printed as soon as it closes, so they come in the order of their
    ends, unless --sort says otherwise.
    """
    if as_json and as_csv:
        raise click.UsageError("give --json or --csv, not both")
    chosen = None if order is None else order_of(order, reverse)
    if reverse and chosen is None:
        raise click.UsageError("--reverse is for --sort; try --sort id --reverse")
    with session(captures, **opening) as (source, output):
        form = form_of(source, output, as_json, as_csv, color)
        reading = Reading(source, policy=policy, data=digest)
        found = summaries_of(reading, where, digest=digest)
        rows = ((one, form.row(one)) for one in found)
        count = 0
        for row in printed(rows, chosen, limit):
            form.write(row)
            count += 1
        form.finish()
        if not count:
            filtered = where is not None
            output.say(nothing_found(source, captures, filtered=filtered))
        tell_late(output, reading.assembler.late)
        return source.finish() or (0 if count else NOTHING_FOUND)


def form_of(
    source: Captures, output: Output, as_json: bool, as_csv: bool, color: Color
) -> Form:
    """Return what prints the streams."""
    if as_json:
        return JsonForm(output.write)
    if as_csv:
        from unpacket.cli.spreadsheet import CsvForm

        return CsvForm(output.write)
    # A row that is kept back must not wait for a capture that is still made.
    rows_ahead = 0 if source.total_bytes is None else ROWS_AHEAD
    heading = [*HEADING[:PROCESSES_AT], PROCESSES, *HEADING[PROCESSES_AT:]]
    # A file knows them if `-w` wrote it, which its first streams show.
    is_certain = source.live is not None and source.live.processes is not None
    table = Table(
        heading,
        output.write,
        rows_ahead=rows_ahead,
        color=wants_color(color),
        optional=None if is_certain else PROCESSES_AT,
    )
    return TableForm(table, lambda: source.first_ns)


def printed(
    rows: Iterator[tuple[Summary, bytes]], order: Order | None, limit: int | None
) -> Iterator[bytes]:
    """Give the rows that are wanted, in their order."""
    if limit is not None:
        limit = min(limit, sys.maxsize)
    if order is None:
        yield from (row for _, row in islice(rows, limit))
        return
    from unpacket.query.order import Sorter

    sorter = Sorter(limit=limit)
    for summary, row in rows:
        sorter.add(order.key(summary), row)
    yield from sorter.rows()


def order_of(fields: str, reverse: bool) -> Order:
    """Return the order of streams that ``fields`` stands for."""
    from unpacket.query.order import Order

    return Order(fields, reverse=reverse)
