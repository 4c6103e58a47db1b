"""``unpacket objects``: every body that was transferred, to a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from unpacket import Policy
from unpacket.cli.listing import counted
from unpacket.cli.live import CaptureArgument, live_options
from unpacket.cli.options import (
    CAPTURE,
    Command,
    keys_options,
    merge_option,
    reading_options,
)
from unpacket.cli.output import Color
from unpacket.cli.policies import policy_options
from unpacket.cli.root import NOTHING_FOUND
from unpacket.cli.session import session
from unpacket.cli.values import ExchangeFilter
from unpacket.cli.writing import DIRECTORY, force_offered, force_option
from unpacket.messages.framers.mail import Mail
from unpacket.messages.iterate import http
from unpacket.sinks.extracted import INDEX
from unpacket.sinks.objects import Objects

if TYPE_CHECKING:
    from unpacket.query.parser import Where


@click.command(
    cls=Command,
    exit_codes={0: "bodies were written", 1: "no bodies were found"},
    epilog="""
        unpacket objects examples/sample.pcapng -o out
        unpacket objects examples/sample.pcapng -o out --no-decode
        unpacket objects examples/sample.pcapng -o out --where 'sent > 0'
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
    "-o",
    "--output",
    "directory",
    metavar="DIR",
    type=DIRECTORY,
    required=True,
    help="The directory for the files; it is created if necessary.",
)
@click.option(
    "--decode/--no-decode",
    default=True,
    help="Undo gzip, deflate, br and zstd.  [default: decode]",
)
@click.option(
    "--where",
    type=ExchangeFilter(),
    metavar="EXPR",
    help="Only bodies of exchanges for which this holds, such as 'type == image/png'.",
)
@force_option
@merge_option
@keys_options
@reading_options
@live_options("-i")
@policy_options()
def objects(
    captures: tuple[str, ...],
    directory: str,
    decode: bool,
    where: Where | None,
    force: bool,
    policy: Policy,
    color: Color,
    **reading: Any,
) -> int:
    """Write every body that HTTP transferred, and the parts of mails, to files.

    CAPTURE is a pcap or pcapng file, a URL, or - for standard input. Several captures,
    or a glob in quotes, are read as one, in the order of time.

    Content-Disposition or the URL names the files. Each part of a form becomes a file,
    and so does each part of a mail that SMTP or POP3 transferred. DIR/index.jsonl has a
    line for each file: its exchange or mail, its frames, its SHA-256, whether it is
    complete, and where bytes are missing. The name of an incomplete body ends in
    `.incomplete`.
    """
    with session(captures, **reading) as (source, output):
        with force_offered(force):
            writer = Objects(directory, decode=decode, force=force)
        with writer:

            def add(item: Any) -> None:
                if isinstance(item, Mail):
                    writer.add_mail(item)

            exchanges = http(source, policy=policy, others=add, mails=True)
            for number, exchange in enumerate(exchanges):
                if where is None or where.matches(exchange, source.first_ns):
                    writer.add(number, exchange)
        if writer.files:
            output.say(
                f"{counted(writer.files, 'file')}, "
                f"{counted(writer.written_bytes, 'byte')}; "
                f"see {os.path.join(directory, INDEX)}"
            )
        else:
            output.say(f"no HTTP body and no mail in {', '.join(captures)}")
        return source.finish() or (0 if writer.files else NOTHING_FOUND)
