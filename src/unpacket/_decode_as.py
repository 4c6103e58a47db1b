"""Tunnels on UDP ports of one's own: rules as ``udp:8473=vxlan``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

# What can be in UDP, with the port by which the decoder knows it.
TUNNELS = {
    "ayiya": 5072,
    "capwap": 5247,
    "geneve": 6081,
    "gre": 4754,
    "gtp": 2152,
    "l2tp": 1701,
    "lisp": 4341,
    "mpls": 6635,
    "teredo": 3544,
    "tzsp": 37008,
    "vxlan": 4789,
    "vxlan-gpe": 4790,
}
_RULE = re.compile(r"udp:([0-9]{1,5})=([a-z0-9-]+)")


def udp_ports(rules: Iterable[str]) -> dict[int, int]:
    """Return for each port that ``rules`` name the usual one of what it carries.

    Raises:
        ValueError: A rule that is none, or two that contradict; the message says what
            fits.
    """
    ports: dict[int, int] = {}
    for rule in rules:
        match = _RULE.fullmatch(rule)
        if match is None:
            raise ValueError(
                f"{rule!r} is not as udp:8473=vxlan: udp, a port, and one of "
                + ", ".join(TUNNELS)
            )
        port, name = int(match[1]), match[2]
        if not 0 < port < 65536:
            raise ValueError(f"{rule!r}: {port} is no port; they go from 1 to 65535")
        if name not in TUNNELS:
            raise ValueError(f"{rule!r}: {no_such_tunnel(name)}")
        if ports.setdefault(port, TUNNELS[name]) != TUNNELS[name]:
            raise ValueError(f"{rule!r}: another rule names port {port} already")
    return ports


def rules_of(frames: Mapping[tuple[int, int], int]) -> dict[str, int]:
    """Return numbers by rule that are by port and the usual port of what it carries."""
    names = {port: name for name, port in TUNNELS.items()}
    return {
        f"udp:{port}={names[usual]}": count
        for (port, usual), count in sorted(frames.items())
    }


def no_such_tunnel(name: str) -> str:
    """Return what to answer to a name that is none of ``TUNNELS``."""
    # As in ``_options``.
    from difflib import get_close_matches

    near = get_close_matches(name, TUNNELS, 1)
    if near:
        return f"no tunnel {name!r}; did you mean {near[0]!r}?"
    return f"no tunnel {name!r}; there are {', '.join(TUNNELS)}"
