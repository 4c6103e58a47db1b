"""``unpacket streams``: a line for each stream."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

import unpacket
from unpacket import Policy
from unpacket.cli.options import CAPTURE, Command, reading_options, where_option
from unpacket.cli.output import Color, wants_color
from unpacket.cli.policies import policy_options
from unpacket.cli.root import NOTHING_FOUND
from unpacket.cli.session import session
from unpacket.cli.table import Table
from unpacket.streams import Summary

if TYPE_CHECKING:
    from unpacket.where import Where

HEADING = [" id", "client", "server", " start", " duration", " bytes >", " bytes <"]
HEADING += [" packets", "closed", "trouble"]
# How many rows of a file are kept back for a guess at how wide the columns are.
ROWS_AHEAD = 100


@click.command(
    cls=Command,
    epilog="""
        unpacket streams examples/sample.pcapng
        unpacket streams examples/sample.pcapng --json --digest
        unpacket streams examples/sample.pcapng --where 'gaps and server.bytes > 64KiB'
        unpacket streams examples/sample.pcapng --where 'address in 2001:db8::/32'
        unpacket streams examples/sample.pcapng --bpf 'tcp port 80 and not ip6'
        unpacket streams examples/sample.pcapng --preset libtins --gap skip
        unpacket streams - --json < examples/sample.pcapng | head -n 3
    """,
)
@click.argument("captures", metavar="CAPTURE...", type=CAPTURE, nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option(
    "--digest",
    is_flag=True,
    help="Add the SHA-256 of each side's bytes (gaps left out).",
)
@where_option
@reading_options
@policy_options()
def streams(
    captures: tuple[str, ...],
    as_json: bool,
    digest: bool,
    where: Where | None,
    policy: Policy,
    color: Color,
    **reading: Any,
) -> int:
    """List the TCP streams of captures: who, how much, what is missing.

    CAPTURE is a pcap or pcapng file, or - for standard input. Several are read one
    after the other as one input.

    Each stream is printed as soon as it closes, so they come in the order of their
    ends.
    """
    found = False
    with session(captures, **reading) as (source, output):
        # A row that is kept back must not wait for a capture that is still made.
        rows_ahead = 0 if source.total_bytes is None else ROWS_AHEAD
        table = Table(
            HEADING, output.write, rows_ahead=rows_ahead, color=wants_color(color)
        )
        for summary in unpacket.summaries(
            source, policy=policy, digest=digest, where=where
        ):
            found = True
            if as_json:
                line = json.dumps(summary.to_dict(), separators=(",", ":"))
                output.write(line.encode() + b"\n")
            else:
                table.add(row_of(summary, source.first_ns))
        table.flush()
        if not found:
            which = source.sought if where is None else "stream passes --where"
            output.say(f"no {which} in {', '.join(captures)}")
        return source.finish() or (0 if found else NOTHING_FOUND)


def row_of(summary: Summary, first_ns: int) -> list[str]:
    """Return the cells of a stream; its start counts from ``first_ns``."""
    return [
        str(summary.id),
        str(summary.client),
        str(summary.server),
        seconds(summary.first_ns - first_ns),
        seconds(summary.last_ns - summary.first_ns),
        str(summary.bytes[0]),
        str(summary.bytes[1]),
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
    return ", ".join(parts)


def counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
