"""``unpacket interfaces``: what packets can be captured on."""

from __future__ import annotations

import json

import click

from unpacket.cli.options import Command
from unpacket.cli.output import Output
from unpacket.cli.table import Table

HEADING = ["name", "link type", "state", "addresses"]
# Of those that an interface can have here.
LINK_TYPE_NAMES = {1: "ethernet", 101: "raw IP", 276: "cooked"}


@click.command(
    cls=Command,
    exit_codes={0: "interfaces were listed", 1: "there are no interfaces"},
    epilog="""
        unpacket interfaces
        unpacket interfaces --json
    """,
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def interfaces(as_json: bool) -> int:
    """List the interfaces that -i takes.

    The link type is the kind of header that frames begin with. It is `cooked` for
    `any`, and for interfaces whose header captures do not know.
    """
    import unpacket

    output = Output(quiet=False, progress=None)
    found = unpacket.interfaces()
    if as_json:
        for device in found:
            output.write(json.dumps(device._asdict()).encode() + b"\n")
    else:
        table = Table(HEADING, output.write, rows_ahead=len(found), color=False)
        for device in found:
            table.add(
                [
                    device.name,
                    LINK_TYPE_NAMES.get(device.link_type, str(device.link_type)),
                    " ".join(device.flags) or "down",
                    " ".join(device.addresses),
                ]
            )
        table.flush()
    output.flush()
    return 0
