"""Routes and rules of the host that lead its clients through a gateway, and away.

A packet of a client enters by ``client_device``, is led into the first device of the
gateway, comes out of the second, and is forwarded like any other, with the host's own
address. What comes back takes the same way. Everything is undone at the end, in the
opposite order; what could not be set up is named.
"""

from __future__ import annotations

import ipaddress
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from unpacket.errors import SourceError

# Far from the numbers that programs use; the rules come before those of the host.
TABLE_IN, TABLE_OUT = 70131, 70132
FIRST_RULE = 13100
LOOSE = "2"
NOT_TRACKED = ("-j", "CT", "--notrack")
TABLES = {4: "iptables", 6: "ip6tables"}


@dataclass(frozen=True, slots=True)
class HostRoutes:
    """Whose packets are led through the gateway.

    Attributes:
        client_device: Where they enter the host, such as ``wg0`` or ``tun0``.
        networks: Their addresses, such as ``10.8.0.0/24``; IPv4 and IPv6.
        masquerade: Whether they leave the host with its own address.
    """

    client_device: str
    networks: tuple[str, ...]
    masquerade: bool = True

    def __post_init__(self) -> None:
        if not self.networks:
            raise ValueError("networks is empty: whose packets shall be inspected?")
        for network in self.networks:
            ipaddress.ip_network(network)


class Routing:
    """Rules and routes that stand as long as its ``with`` block runs."""

    def __init__(self, routes: HostRoutes, first: str, second: str) -> None:
        self._routes = routes
        self._first = first
        self._second = second
        self._undo: list[Callable[[], object]] = []

    def __enter__(self) -> Self:
        try:
            networks = [ipaddress.ip_network(text) for text in self._routes.networks]
            for version in sorted({network.version for network in networks}):
                self._prepare(version)
            for network in networks:
                self._lead(network)
        except BaseException:
            self._take_down()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._take_down()

    def _take_down(self) -> None:
        while self._undo:
            self._undo.pop()()

    def _prepare(self, version: int) -> None:
        """Let packets of an IP version be forwarded, and lead into the devices."""
        device, first, second = self._routes.client_device, self._first, self._second
        if version == 4:
            self._set("net/ipv4/ip_forward", "1")
            for name in (device, first, second):
                # Packets come in where no route leads back.
                self._set(f"net/ipv4/conf/{name}/rp_filter", LOOSE)
        else:
            self._set("net/ipv6/conf/all/forwarding", "1")
        ip = ("ip", f"-{version}", "route")
        for table, out in ((TABLE_IN, first), (TABLE_OUT, second)):
            route = ("default", "dev", out, "table", str(table))
            self._run((*ip, "add", *route), (*ip, "del", *route))
        tables = TABLES[version]
        # A connection is tracked where it leaves the gateway, and only there: else it
        # would have no address of the host when it comes to that.
        for name in (device, first):
            self._filter(tables, "raw", "PREROUTING", "-i", name, *NOT_TRACKED)
        for flag in ("-i", "-o"):
            for name in (first, second):
                self._filter(tables, "filter", "FORWARD", flag, name, "-j", "ACCEPT")

    def _lead(self, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> None:
        """Lead one network through the gateway."""
        clients = str(network)
        rules = (
            # The host's own packets are not inspected, nor are those that were.
            ("iif", "lo", "to", clients, "lookup", "main"),
            ("iif", self._first, "to", clients, "lookup", "main"),
            ("to", clients, "lookup", str(TABLE_OUT)),
            (
                "iif",
                self._routes.client_device,
                "from",
                clients,
                "lookup",
                str(TABLE_IN),
            ),
        )
        ip = ("ip", f"-{network.version}", "rule")
        for number, rule in enumerate(rules, FIRST_RULE):
            whole = (*rule, "pref", str(number))
            self._run((*ip, "add", *whole), (*ip, "del", *whole))
        if self._routes.masquerade:
            leaving = ("-s", clients, "!", "-o", self._first, "-j", "MASQUERADE")
            self._filter(TABLES[network.version], "nat", "POSTROUTING", *leaving)

    def _set(self, name: str, value: str) -> None:
        """Set a parameter of the kernel until the end."""
        path = Path("/proc/sys", name)
        try:
            before = path.read_text()
            if before.strip() == value:
                return
            path.write_text(value)
        except OSError as error:
            raise SourceError(path, (error.strerror or "").lower()) from error

        def restore() -> None:
            if path.exists():
                path.write_text(before)

        self._undo.append(restore)

    def _filter(self, program: str, table: str, chain: str, *rule: str) -> None:
        """Put a rule of netfilter first in its chain until the end."""
        wait = (program, "-w", "5", "-t", table)
        self._run((*wait, "-I", chain, *rule), (*wait, "-D", chain, *rule))

    def _run(self, command: tuple[str, ...], undo: tuple[str, ...]) -> None:
        run(command)
        self._undo.append(
            lambda: subprocess.run(undo, capture_output=True, check=False)
        )


def run(command: tuple[str, ...]) -> None:
    """Run a program of the host.

    Raises:
        SourceError: It is not there, or it refused; with what it printed.
    """
    shown = " ".join(command)
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        reason = f"{command[0]} is not installed (apt-get install iproute2 iptables)"
        raise SourceError(shown, reason) from error
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise SourceError(shown, lines[0].lower() if lines else "it failed")
