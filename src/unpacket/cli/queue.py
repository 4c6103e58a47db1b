"""``unpacket queue``: inspect what the host forwards, by the netfilter queue."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import click

from unpacket.cli.gateway import SERVICE_EXIT_CODES
from unpacket.cli.inspecting import (
    Reporter,
    inspecting_options,
    inspector_of,
    serve,
    settings_of,
)
from unpacket.cli.options import Command


@click.command(
    cls=Command,
    exit_codes=SERVICE_EXIT_CODES,
    epilog=r"""
        sudo unpacket queue --num 0 --install --replace cat tiger
        sudo unpacket queue --num 0 --install --allow '*.example.org' --log -
    """,
)
@click.option(
    "--num",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="The number of the queue.",
)
@click.option(
    "--install",
    is_flag=True,
    help="Add rules to raw PREROUTING that lead TCP into the queue, with iptables or "
    "else with nft, and remove them at the end.",
)
@click.option(
    "--queue-balance",
    "balance",
    type=click.IntRange(1, 65536),
    default=1,
    show_default=True,
    metavar="COUNT",
    help="With --install: share the packets among this many queues from --num on; each "
    "needs a process of its own.",
)
@click.option(
    "--interface",
    metavar="DEVICE",
    help="With --install: only packets that come in by this device. Streams are only "
    "inspected if both directions do.",
)
@click.option(
    "--fail-open",
    is_flag=True,
    help="Let packets pass, instead of dropping them, when the queue is full.",
)
@inspecting_options
def queue(
    num: int,
    install: bool,
    balance: int,
    interface: str | None,
    fail_open: bool,
    on_failure: Literal["open", "closed"],
    max_held: int,
    idle_timeout: float,
    as_json: bool,
    quiet: bool,
    **inspecting: Any,
) -> int:
    """Inspect the streams that this host forwards, with the netfilter queue.

    With --queue-balance several queues share the work. The kernel chooses by the two
    addresses alone: all streams between two hosts share one.

    It needs Linux with CONFIG_NETFILTER_NETLINK_QUEUE, and CAP_NET_ADMIN and
    CAP_NET_RAW. Ctrl-C ends it; SIGUSR1 prints the statistics.
    """
    from unpacket.inline.queue import Queue

    if balance > 1 and not install:
        raise click.UsageError("--queue-balance is for --install")
    if num + balance > 65536:
        raise click.UsageError(f"there are no {balance} queues from {num} on")
    made = Queue(
        inspector_of(**inspecting),
        num,
        install=install,
        balance=balance,
        interface=interface,
        fail_open=fail_open,
        settings=settings_of(on_failure, max_held, idle_timeout),
        report=Reporter(),
    )
    with made:
        return serve(
            made,
            lambda: {"lost": dataclasses.asdict(made.losses)},
            as_json=as_json,
            quiet=quiet,
        )
