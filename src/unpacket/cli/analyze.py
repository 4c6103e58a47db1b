"""``unpacket analyze``: what is slow about connections, and who is to blame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

from unpacket import Opened, Policy
from unpacket.analysis.analyzer import PROFILES, Analyzer
from unpacket.analysis.columns import Columns
from unpacket.analysis.constants import FLAGS
from unpacket.analysis.iterate import summary_of
from unpacket.analysis.tracker import DEFAULT_CONVERSATIONS
from unpacket.analysis.verdict import percent, seconds
from unpacket.cli.follow import Choice, StreamChoice, fits
from unpacket.cli.live import CaptureArgument, live_options
from unpacket.cli.options import (
    CAPTURE,
    Command,
    filter_option,
    merge_option,
    reading_options,
)
from unpacket.cli.output import Color, wants_color
from unpacket.cli.policies import policy_options
from unpacket.cli.root import NOTHING_FOUND
from unpacket.cli.session import nothing_found, session
from unpacket.cli.table import Table
from unpacket.cli.values import Filter
from unpacket.faces.reader import Reading
from unpacket.records.summary import Summary, Trouble
from unpacket.records.times import rfc3339

if TYPE_CHECKING:
    from unpacket import Stream
    from unpacket.query.parser import Where

HEADING = [" id", "client", "server", " duration", " rtt", " again >", " again <"]
HEADING += [" zero window", "state", "blame"]
SEGMENTS = [" frame", " time", " id", "", " seq", " ack", " len", " win", "flags"]
SEGMENTS += ["what it is"]
TCP_FLAGS = "FSRPAUEC"
ROWS_AHEAD = 100


@click.command(
    cls=Command,
    exit_codes={
        0: "streams were analysed",
        1: "there were none, or none as asked for",
    },
    epilog="""
        unpacket analyze examples/sample.pcapng
        unpacket analyze examples/sample.pcapng 1
        unpacket analyze examples/sample.pcapng --where 'rtt > 20ms or out_of_order'
        unpacket analyze examples/sample.pcapng --where 'retransmission_rate > 1%'
        unpacket analyze examples/sample.pcapng 7 --segments
        unpacket analyze examples/sample.pcapng --conn-log tsv
        unpacket analyze examples/sample.pcapng --json --profile 4.4
        unpacket analyze examples/sample.pcapng --csv
    """,
)
@click.argument("capture", cls=CaptureArgument, type=CAPTURE)
@click.argument("choices", type=StreamChoice(), nargs=-1, metavar="[STREAM]...")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option(
    "--csv",
    "as_csv",
    is_flag=True,
    help="Values joined by commas (RFC 4180) below their names; docs/cli.md lists "
    "them.",
)
@click.option(
    "--segments",
    is_flag=True,
    help="A line for each segment: sequence numbers from 0, and what Wireshark calls "
    "it.",
)
@click.option(
    "--time",
    "clock",
    type=click.Choice(("relative", "absolute")),
    default="relative",
    show_default=True,
    help="With --segments: time since the first frame, or the time of the day (UTC).",
)
@click.option(
    "--conn-log",
    type=click.Choice(("tsv", "json")),
    help="Print the streams as Zeek's conn.log has them.",
)
@click.option(
    "--profile",
    type=click.Choice(PROFILES),
    default=PROFILES[0],
    show_default=True,
    help="By the conditions of which version of Wireshark.",
)
@click.option(
    "--max-conversations",
    type=click.IntRange(min=1),
    default=DEFAULT_CONVERSATIONS,
    show_default=True,
    metavar="N",
    help="So many connections are analysed, of up to 5 KiB each.",
)
@filter_option(Filter(analysed=True), "rtt > 100ms and retransmission_rate > 1%")
@merge_option
@reading_options
@live_options("-i")
@policy_options()
def analyze(
    capture: str,
    choices: tuple[Choice, ...],
    as_json: bool,
    as_csv: bool,
    segments: bool,
    clock: str,
    conn_log: str | None,
    profile: str,
    max_conversations: int,
    where: Where | None,
    policy: Policy,
    color: Color,
    **reading: Any,
) -> int:
    """Find out why connections are slow: loss, windows, round trips, or a program.

    CAPTURE is a pcap or pcapng file, a URL, or - for standard input; a glob in quotes
    stands for several, which are one capture, in the order of time. STREAM is the id of
    a stream (see `unpacket streams`) or ADDRESS:PORT of either end; without any it is
    all streams.

    Each stream has one verdict, with the frames that show it. What is counted, and by
    which conditions, is in docs/analysis.md.
    """
    if as_json + as_csv + segments + (conn_log is not None) > 1:
        raise click.UsageError(
            "only one of --json, --csv, --segments and --conn-log can be"
        )
    if segments and where is not None:
        raise click.UsageError("--segments cannot wait for --where; name streams")
    with session([capture], **reading) as (source, output):
        read = Reading(source, policy=policy, data=False)
        analyzer = Analyzer(
            profile=profile,
            columns=Columns() if segments else None,
            max_conversations=max_conversations,
        )
        printed: Printed
        if segments:
            rows_ahead = 0 if source.total_bytes is None else ROWS_AHEAD
            printed = Segments(
                Table(
                    SEGMENTS,
                    output.write,
                    rows_ahead=rows_ahead,
                    color=wants_color(color),
                ),
                analyzer,
                None if clock == "absolute" else lambda: source.first_ns,
            )
        elif as_json:
            printed = Lines(output.write, json_line)
        elif as_csv:
            from unpacket.cli.spreadsheet import CsvForm

            form = CsvForm(output.write, analysed=True)
            printed = Lines(output.write, form.row)
        elif conn_log is not None:
            from unpacket.analysis.conn_log import lines

            above, line = lines(conn_log)
            printed = Lines(output.write, line, above)
        else:
            table = Table(
                HEADING,
                output.write,
                rows_ahead=0 if source.total_bytes is None else ROWS_AHEAD,
                color=wants_color(color),
            )
            printed = Verdicts(table, output.write, details=bool(choices))
        count = 0
        for summary in analysed(read, analyzer, choices, printed):
            if where is None or where.matches(summary, source.first_ns):
                printed.add(summary)
                count += 1
        printed.finish()
        if not count:
            output.say(nothing_found(source, [capture], filtered=where is not None))
        if analyzer.left_out:
            output.say(
                f"warning: {analyzer.left_out} segments were not analysed: they are of "
                f"more connections than the {len(analyzer)} that are kept"
            )
        return source.finish() or (0 if count else NOTHING_FOUND)


class Printed:
    """Prints what was found of streams."""

    def open(self, stream: Stream) -> None:
        """Take a stream that was chosen."""

    def look(self) -> None:
        """Take the segments since the last time."""

    def add(self, summary: Summary) -> None:
        """Take a stream that has closed."""

    def finish(self) -> None:
        """Print what was kept back."""


class Lines(Printed):
    """A line for each stream."""

    def __init__(
        self,
        write: Callable[[bytes], None],
        line: Callable[[Summary], bytes],
        above: bytes = b"",
    ) -> None:
        self._write = write
        self._line = line
        write(above)

    def add(self, summary: Summary) -> None:
        self._write(self._line(summary))


class Verdicts(Printed):
    """A table of the streams, and below it the verdicts in words.

    Args:
        details: Whether to print all that is known of each.
    """

    def __init__(
        self, table: Table, write: Callable[[bytes], None], *, details: bool
    ) -> None:
        self._table = table
        self._write = write
        self._details = details
        self._words: list[str] = []

    def add(self, summary: Summary) -> None:
        found = summary.analysis
        if found is None:
            return
        client, server = found.sides
        verdict = found.verdict
        self._table.add(
            [
                str(summary.id),
                str(summary.client),
                str(summary.server),
                seconds(summary.duration_ns),
                "" if found.initial_rtt_ns is None else seconds(found.initial_rtt_ns),
                again(client),
                again(server),
                seconds(client.zero_window_ns + server.zero_window_ns)
                if client.zero_window_ns or server.zero_window_ns
                else "",
                found.conn_state,
                f"{verdict.blame} {verdict.side}".strip(),
            ]
        )
        if verdict.blame != "not_enough" or self._details:
            frames = ", ".join(map(str, verdict.frames))
            where = f" (frames {frames})" if frames else ""
            self._words.append(f"stream {summary.id}: {verdict.sentence}{where}")
        if self._details:
            self._words += details_of(found)

    def finish(self) -> None:
        self._table.flush()
        if self._words:
            self._write(("\n" + "\n".join(self._words) + "\n").encode())


def again(side: Any) -> str:
    """Return how many segments of a side came again."""
    return f"{side.again} ({percent(side.rate_ppm / 1e6)})" if side.again else ""


def details_of(found: Any) -> Iterator[str]:
    """Give lines on what is known of a conversation."""
    yield f"  {found.conn_state} {found.history}, {found.community_id}"
    for name, side in zip(("client", "server"), found.sides, strict=True):
        parts = [f"{side.packets} packets", f"{side.bytes} bytes"]
        if side.throughput is not None:
            parts.append(f"{side.throughput} bytes a second")
        if side.rtt_ns is not None:
            parts.append(
                f"round trip {seconds(side.rtt_min_ns)} at least, "
                f"{seconds(side.rtt_ns)} mostly, {seconds(side.rtt_95_ns)} for 5 of 100"
            )
        if side.window_max is not None:
            parts.append(f"window {side.window_min} to {side.window_max}")
        yield f"  {name}: {', '.join(parts)}"
        spent = [f"{cause} {seconds(ns)}" for cause, ns in side.pauses.items() if ns]
        if spent:
            yield f"    between its segments: {', '.join(spent)}"
        flags = [f"{count} {flag}" for flag, count in side.flags.items()]
        if flags:
            yield f"    {', '.join(flags)}"


class Segments(Printed):
    """A line for each segment of the streams that were chosen.

    Args:
        first_ns: Since when times count; None for the time of the day.
    """

    def __init__(
        self, table: Table, analyzer: Analyzer, first_ns: Callable[[], int] | None
    ) -> None:
        self._table = table
        self._analyzer = analyzer
        self._first_ns = first_ns
        self._ids: dict[int, tuple[int, int]] = {}

    def open(self, stream: Stream) -> None:
        found = self._analyzer.of_stream(stream)
        if found is not None:
            client_is = 0 if found.key.ends[0] == stream.client else 1
            self._ids[found.number] = (stream.id, client_is)

    def look(self) -> None:
        columns = self._analyzer.columns
        if columns is None:
            return
        for index in range(len(columns)):
            row = columns.row(index)
            chosen = self._ids.get(row["conversation"])
            if chosen is not None:
                self._table.add(self._cells(row, *chosen))
        columns.clear()

    def finish(self) -> None:
        self._table.flush()

    def _cells(self, row: dict[str, int], stream_id: int, client_is: int) -> list[str]:
        time_ns = row["time_ns"]
        return [
            str(row["frame"]),
            rfc3339(time_ns)
            if self._first_ns is None
            else f"{(time_ns - self._first_ns()) / 1e9:.6f}",
            str(stream_id),
            ">" if row["direction"] == client_is else "<",
            str(row["seq"]),
            str(row["ack"]),
            str(row["length"]),
            str(row["window"]),
            "".join(
                letter
                for n, letter in enumerate(TCP_FLAGS)
                if row["tcp_flags"] >> n & 1
            ),
            ", ".join(notes_of(row)),
        ]


def notes_of(row: dict[str, int]) -> Iterator[str]:
    """Give what is remarkable about a segment."""
    for n, flag in enumerate(FLAGS):
        if row["flags"] >> n & 1:
            if flag == "duplicate_ack":
                number, frame = row["duplicate_ack_num"], row["duplicate_ack_frame"]
                yield f"duplicate ack {number} of frame {frame}"
            else:
                yield flag.replace("_", " ")
    if row["rto_frame"]:
        yield f"{seconds(row['rto_ns'])} after frame {row['rto_frame']}"
    if row["acks_frame"]:
        yield f"acks {row['acks_frame']} ({seconds(row['ack_rtt_ns'])})"
    if row["bytes_in_flight"] > 0:
        yield f"{row['bytes_in_flight']} in flight"


def json_line(summary: Summary) -> bytes:
    return summary.to_json().encode() + b"\n"


def analysed(
    read: Reading, analyzer: Analyzer, choices: tuple[Choice, ...], printed: Printed
) -> Iterator[Summary]:
    """Give the streams that were chosen as they close."""
    read.assembler.observe(analyzer)
    troubles: dict[Any, Trouble] = {}
    for events in read.lists(step=True):
        closed = []
        for event in events:
            summary = summary_of(event, troubles, analyzer)
            stream: Any = event.stream
            if choices and not any(fits(stream, one) for one in choices):
                continue
            if type(event) is Opened:
                printed.open(stream)
            if summary is not None:
                closed.append(summary)
        printed.look()
        yield from closed
    printed.look()
