"""``unpacket http``: requests with their responses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click

from unpacket import Policy
from unpacket.cli.listing import counted, seconds
from unpacket.cli.live import CaptureArgument, live_options
from unpacket.cli.options import (
    CAPTURE,
    Command,
    keys_options,
    merge_option,
    reading_options,
)
from unpacket.cli.output import Color, Output, shown, wants_color
from unpacket.cli.policies import policy_options
from unpacket.cli.root import NOTHING_FOUND
from unpacket.cli.session import session
from unpacket.cli.table import Table
from unpacket.cli.values import Count, ExchangeFilter
from unpacket.messages.http.shape import exchange_to_dict
from unpacket.messages.iterate import http as exchanges_of
from unpacket.messages.pairing import Exchange
from unpacket.sinks.har import HarFile

if TYPE_CHECKING:
    from unpacket.messages.http.head import HttpMessage, Request, Response
    from unpacket.query.parser import Where

HEADING = [" n", " time", "client", "method", "url", " status", "type", " sent"]
HEADING += [" received", " latency", "trouble"]
ROWS_AHEAD = 100
# What a table has of a URL or a type; JSON has all.
MOST_URL = 100
MOST_TYPE = 40
json_line = json.JSONEncoder(separators=(",", ":")).encode
TEXT_TYPES = ("text/", "application/json", "application/xml", "application/javascript")


@click.command(
    cls=Command,
    exit_codes={0: "exchanges were found", 1: "no exchanges were found"},
    epilog="""
        unpacket http examples/sample.pcapng
        unpacket http examples/sample.pcapng --headers
        unpacket http examples/sample.pcapng --show 0
        unpacket http examples/sample.pcapng --where 'status == 200 and received > 64'
        unpacket http examples/sample.pcapng --json | jq -r .url
        unpacket http examples/sample.pcapng --har /dev/null
        unpacket http examples/encrypted.pcapng --decrypt
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
@click.option(
    "--where",
    type=ExchangeFilter(),
    metavar="EXPR",
    help="Only exchanges for which this holds, such as 'status >= 400'.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object for each exchange."
)
@click.option(
    "--show",
    type=Count(optional=False),
    metavar="N",
    help="Print the exchange of this number, with heads and bodies.",
)
@click.option(
    "--headers", is_flag=True, help="Print the heads of the messages below each line."
)
@click.option(
    "--har",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write the exchanges to a HAR file, for the developer tools of a browser.",
)
@merge_option
@keys_options
@reading_options
@live_options("-i")
@policy_options()
def http(
    captures: tuple[str, ...],
    where: Where | None,
    as_json: bool,
    show: int | None,
    headers: bool,
    har: str | None,
    policy: Policy,
    color: Color,
    **reading: Any,
) -> int:
    """List the HTTP requests of captures with their responses.

    CAPTURE is a pcap or pcapng file, a URL, or - for standard input. Several captures,
    or a glob in quotes, are read as one, in the order of time.

    A hole in a body of known length costs only its bytes. If a hole may hide a request
    or a response, nothing is paired by counting: the last column reports that the
    partner was lost, or is unknown. HTTP is recognized by its bytes, on any port.
    """
    # Of all, and of those that pass the filter; numbers count all.
    total = count = 0
    with session(captures, **reading) as (source, output):
        # A table has the lengths of bodies, which are known without them.
        bodies = as_json or show is not None or har is not None
        found = exchanges_of(source, policy=policy, bodies=bodies)
        form = form_of(source, output, as_json, show, headers, wants_color(color))
        with HarFile(har) if har is not None else nullcontext() as archive:
            for number, exchange in enumerate(found):
                total = number + 1
                if where is not None and not where.matches(exchange, source.first_ns):
                    continue
                if archive is not None:
                    archive.add(exchange)
                form.add(number, exchange)
                count += 1
        form.finish()
        if not count:
            which = "no HTTP" if where is None else "no such exchange"
            output.say(f"{which} in {', '.join(captures)}")
        elif show is not None and show >= total:
            output.say(f"no exchange {show} in {', '.join(captures)}: 0 to {total - 1}")
            return source.finish() or NOTHING_FOUND
        return source.finish() or (0 if count else NOTHING_FOUND)


class JsonForm:
    """An object a line."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def add(self, number: int, exchange: Exchange) -> None:
        line = json_line(exchange_to_dict(exchange))
        self._output.write(line.encode() + b"\n")

    def finish(self) -> None:
        """There is nothing that waits."""


class TableForm:
    """A row each, with the heads below if they are asked for."""

    def __init__(self, source: Any, output: Output, headers: bool, color: bool) -> None:
        self._source = source
        self._output = output
        self._headers = headers
        kept = 0 if headers or source.total_bytes is None else ROWS_AHEAD
        self._table = Table(HEADING, output.write, rows_ahead=kept, color=color)

    def add(self, number: int, exchange: Exchange) -> None:
        self._table.add(row_of(number, exchange, self._source.first_ns))
        if self._headers:
            for mark, message in (("> ", exchange.request), ("< ", exchange.response)):
                for line in head_lines(message):
                    self._output.write(f"    {mark}{line}\n".encode())

    def finish(self) -> None:
        self._table.flush()


class OneForm:
    """All of one exchange."""

    def __init__(self, output: Output, wanted: int) -> None:
        self._output = output
        self._wanted = wanted

    def add(self, number: int, exchange: Exchange) -> None:
        if number == self._wanted:
            for line in exchange_lines(exchange):
                self._output.write(f"{line}\n".encode())

    def finish(self) -> None:
        """There is nothing that waits."""


def form_of(
    source: Any,
    output: Output,
    as_json: bool,
    show: int | None,
    headers: bool,
    color: bool,
) -> JsonForm | TableForm | OneForm:
    """Return what prints the exchanges."""
    if as_json:
        return JsonForm(output)
    if show is not None:
        return OneForm(output, show)
    return TableForm(source, output, headers, color)


def row_of(number: int, exchange: Exchange, first_ns: int) -> list[str]:
    """Return the cells of an exchange; its time counts from ``first_ns``."""
    request: Request | None = exchange.request
    response: Response | None = exchange.response
    latency = exchange.latency_ns
    kind = None if response is None else response.header("content-type")
    return [
        str(number),
        seconds(exchange.time_ns - first_ns),
        str(exchange.client),
        "-" if request is None else shown(request.method),
        "-" if request is None else cut(shown(request.url), MOST_URL),
        "-" if response is None or response.status is None else str(response.status),
        cut(shown((kind or "").partition(";")[0].strip()), MOST_TYPE),
        "" if request is None else str(request.body_length),
        "" if response is None else str(response.body_length),
        "" if latency is None else seconds(latency),
        trouble_of(exchange),
    ]


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def trouble_of(exchange: Exchange) -> str:
    """Return what keeps an exchange from being whole, or nothing."""
    parts = []
    if exchange.pairing == "lost":
        which = "request" if exchange.request is None else "response"
        parts.append(f"{which} lost")
    elif exchange.pairing == "unknown":
        parts.append("partner unknown")
    elif exchange.pairing == "none":
        parts.append("unasked" if exchange.request is None else "no response")
    for name, message in (
        ("request", exchange.request),
        ("response", exchange.response),
    ):
        if message is None:
            continue
        missing = sum(hole.length for hole in message.holes)
        if missing:
            parts.append(f"{name}: {counted(missing, 'byte')} missing")
        elif not message.complete:
            parts.append(f"{name} incomplete")
    return ", ".join(parts)


def head_lines(message: HttpMessage | None) -> Iterator[str]:
    """Give the head of a message, a line each."""
    if message is None:
        return
    text = message.head.decode("latin-1").rstrip("\r\n")
    yield from (shown(line.rstrip("\r")) for line in text.split("\n"))


def exchange_lines(exchange: Exchange) -> Iterator[str]:
    """Give all of an exchange: heads, and bodies with their content coding undone."""
    yield f"* stream {exchange.stream.id}: {exchange.client} > {exchange.server}"
    yield f"* pairing: {exchange.pairing}"
    for mark, message in (("> ", exchange.request), ("< ", exchange.response)):
        if message is None:
            continue
        for line in head_lines(message):
            yield mark + line
        yield mark
        for hole in message.holes:
            missing = counted(hole.length, "byte")
            yield f"* {missing} missing at {hole.offset} of the body: {hole.reason}"
        if message.anomalies:
            yield f"* anomalies: {', '.join(map(shown, message.anomalies))}"
        yield from (mark + line for line in body_lines(message))


def body_lines(message: HttpMessage) -> Iterator[str]:
    """Give the body of a message as text, or how many bytes of what it is."""
    kind = (message.header("content-type") or "").lower()
    data = message.data
    if not data:
        return
    if kind.startswith(TEXT_TYPES) or (not kind and data.isascii()):
        text = data.decode("utf-8", "surrogateescape")
        yield from (shown(line.rstrip("\r")) for line in text.split("\n"))
    else:
        yield f"({counted(len(data), 'byte')} of {shown(kind) or 'no type'})"
