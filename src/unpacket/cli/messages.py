"""``unpacket messages``: what streams say, message by message."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from unpacket import Policy
from unpacket.cli.listing import counted, seconds
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
from unpacket.cli.values import MessageFilter, ParamType
from unpacket.messages.framers.registry import names as framer_names
from unpacket.messages.iterate import framer_of
from unpacket.messages.iterate import messages as messages_of
from unpacket.messages.results import Message, Skipped, Tunnel
from unpacket.messages.shape import lines_of

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from unpacket.cli.inputs import Captures
    from unpacket.messages.framer import Framer
    from unpacket.query.parser import Where

HEADING = [" time", " stream", "", "protocol", " offset", " length", "summary"]
HEADING += ["trouble"]
ROWS_AHEAD = 100
# What a table has of a summary; JSON has all.
MOST_SUMMARY = 120
ARROWS = {"client": ">", "server": "<"}


class FramerName(ParamType):
    """The name of a framer, which other packages may add to."""

    name = "name"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Framer:
        try:
            return framer_of(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        known = framer_names()
        return [CompletionItem(name) for name in known if name.startswith(incomplete)]


@click.command(
    cls=Command,
    exit_codes={0: "messages were found", 1: "no messages were found"},
    epilog="""
        unpacket messages examples/sample.pcapng
        unpacket messages examples/sample.pcapng --as lines
        unpacket messages examples/sample.pcapng --where 'protocol == http and body'
        unpacket messages examples/sample.pcapng --json | jq -r .summary
    """,
)
@click.argument("captures", metavar="CAPTURE...", type=CAPTURE, nargs=-1, required=True)
@click.option(
    "--as",
    "framer",
    type=FramerName(),
    metavar="NAME",
    help="Use this framer for every stream: http, http2, tls, dns, websocket, smtp, "
    "ftp, pop3, imap, redis, postgresql, mysql, mqtt, ssh, ldap, kerberos, amqp, "
    "modbus, someip, dlt, lines, prefixed, or a name that a package registers. By "
    "default the first bytes of a stream decide, or else the port of its server.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object for each message."
)
@click.option(
    "--where",
    type=MessageFilter(),
    metavar="EXPR",
    help="Only messages for which this holds, such as 'body > 1KiB'.",
)
@merge_option
@keys_options
@reading_options
@policy_options()
def messages(
    captures: tuple[str, ...],
    framer: Framer | None,
    where: Where | None,
    as_json: bool,
    policy: Policy,
    color: Color,
    **reading: Any,
) -> int:
    """List the messages in the streams of captures: HTTP, TLS, DNS, mail and more.

    CAPTURE is a pcap or pcapng file, a URL, or - for standard input. Several captures,
    or a glob in quotes, are read as one, in the order of time.

    Each line has a message, with its offset and length in its side of the stream. Bytes
    that belong to no message, and streams with an unknown protocol, are listed too. The
    first bytes of a stream decide about its protocol, or else the port of the server.
    """
    count = 0
    with session(captures, **reading) as (source, output):
        form = JsonForm(output) if as_json else TableForm(source, output, color)
        for item in messages_of(source, framer, policy=policy):
            if where is not None and not where.matches(item, source.first_ns):
                continue
            form.add(item)
            count += isinstance(item, Message)
        form.finish()
        if not count:
            output.say(f"no messages in {', '.join(captures)}")
        return source.finish() or (0 if count else NOTHING_FOUND)


class JsonForm:
    """An object a line."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def add(self, item: Message | Skipped | Tunnel) -> None:
        for line in lines_of(item):
            text = json.dumps(line, separators=(",", ":"))
            self._output.write(text.encode() + b"\n")

    def finish(self) -> None:
        """There is nothing that waits."""


class TableForm:
    """A row each."""

    def __init__(self, source: Captures, output: Output, color: Color) -> None:
        self._source = source
        kept = 0 if source.total_bytes is None else ROWS_AHEAD
        bold = wants_color(color)
        self._table = Table(HEADING, output.write, rows_ahead=kept, color=bold)

    def add(self, item: Message | Skipped | Tunnel) -> None:
        self._table.add(row_of(item, self._source.first_ns))

    def finish(self) -> None:
        self._table.flush()


def row_of(item: Message | Skipped | Tunnel, first_ns: int) -> list[str]:
    """Return the cells of a message; its time counts from ``first_ns``."""
    if isinstance(item, Tunnel):
        sent = " and ".join(counted(length, "byte") for length in item.lengths)
        stream = str(item.stream.id)
        name = shown(item.protocol)
        return ["", stream, "", name, "", "", f"{sent}, not looked into", ""]
    known = [
        seconds(item.time_ns - first_ns),
        str(item.stream.id),
        ARROWS[str(item.direction)],
    ]
    place = [str(item.offset), str(item.length)]
    if isinstance(item, Skipped):
        return [*known, "-", *place, "", "no message"]
    summary = shown(item.summary)
    if len(summary) > MOST_SUMMARY:
        summary = f"{summary[: MOST_SUMMARY - 3]}..."
    return [*known, item.protocol, *place, summary, trouble_of(item)]


def trouble_of(message: Message) -> str:
    """Return what keeps a message from being whole, or nothing."""
    parts = []
    missing = sum(hole.length for hole in message.holes)
    if missing:
        parts.append(f"{counted(missing, 'byte')} missing")
    elif not message.complete:
        parts.append("incomplete")
    return ", ".join([*parts, *map(shown, message.anomalies)])
