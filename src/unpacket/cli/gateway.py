"""``unpacket gateway``: inspect what goes from one TUN device to another."""

from __future__ import annotations

from typing import Any, Literal

import click

from unpacket.cli.inspecting import (
    Reporter,
    inspecting_options,
    inspector_of,
    serve,
    settings_of,
)
from unpacket.cli.options import Command
from unpacket.cli.root import ERROR, INTERRUPTED, NOTHING_FOUND

SERVICE_EXIT_CODES = {
    0: "ended by a signal: Ctrl-C, SIGTERM or SIGHUP",
    NOTHING_FOUND: "not used",
    ERROR: "an error: what is missing, in one line",
    INTERRUPTED: "not used: Ctrl-C is how it ends",
}


@click.command(
    cls=Command,
    exit_codes=SERVICE_EXIT_CODES,
    epilog=r"""
        sudo unpacket gateway --clients 10.8.0.0/24 --from wg0 --block forbidden
        sudo unpacket gateway --tun unp0 --out unp1 --inspect ./mine.py:Inspector
    """,
)
@click.option(
    "--tun",
    default="unp0",
    show_default=True,
    metavar="DEVICE",
    help="The TUN device on the side of the clients; it is created.",
)
@click.option(
    "--out",
    default="unp1",
    show_default=True,
    metavar="DEVICE",
    help="The TUN device on the other side.",
)
@click.option(
    "--clients",
    multiple=True,
    metavar="NETWORK",
    help="Route the packets of these addresses through the gateway; with --from. May "
    "be given several times, for IPv4 and IPv6.",
)
@click.option(
    "--from",
    "client_device",
    metavar="DEVICE",
    help="The device by which packets of --clients enter this host, such as wg0.",
)
@click.option(
    "--nat/--no-nat",
    default=True,
    show_default=True,
    help="Translate the addresses of the clients to that of this host.",
)
@click.option(
    "--mtu",
    type=click.IntRange(576, 65535),
    default=1500,
    show_default=True,
    help="The MTU of both devices; the MSS in SYNs is lowered to fit.",
)
@click.option(
    "--offload",
    is_flag=True,
    help="Take segments of up to 64 KiB from the kernel, without checksums.",
)
@inspecting_options
def gateway(
    tun: str,
    out: str,
    clients: tuple[str, ...],
    client_device: str | None,
    nat: bool,
    mtu: int,
    offload: bool,
    on_failure: Literal["open", "closed"],
    max_held: int,
    idle_timeout: float,
    as_json: bool,
    quiet: bool,
    **inspecting: Any,
) -> int:
    """Inspect the streams that go from one TUN device to another.

    Packets that the kernel routes into the device of --tun come out of that of --out,
    and the other way round, if the inspectors accept them. With --clients, the routes,
    rules and address translation that lead through it are set up, and removed at the
    end. docs/gateway.md shows how to set up an inspected VPN.

    It needs Linux and CAP_NET_ADMIN. Ctrl-C ends it; SIGUSR1 prints the statistics.
    """
    from unpacket.inline.gateway import Gateway
    from unpacket.inline.routing import HostRoutes

    routes = None
    if clients or client_device:
        if not clients or not client_device:
            raise click.UsageError("--clients and --from go together")
        try:
            routes = HostRoutes(client_device, clients, masquerade=nat)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
    made = Gateway(
        inspector_of(**inspecting),
        tun,
        out,
        mtu=mtu,
        offload=offload,
        settings=settings_of(on_failure, max_held, idle_timeout, mtu),
        routes=routes,
        report=Reporter(),
    )
    with made:
        return serve(made, lambda: {"lost": made.lost}, as_json=as_json, quiet=quiet)
