"""Prints the streams of scapy's TCPSession; a program of its own, run by ``peers``.

``python scapy_streams.py CAPTURE`` writes a line of JSON for each direction, with its
bytes in hexadecimal: what a protocol's ``tcp_reassemble`` would get at the end, if it
never said that a message was complete. Nothing here needs the rest of unpacket.
"""

import json
import logging
import socket
import struct
import sys
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from typing import Any

# What is below and beside TCP; protocols above it take seconds to import.
LAYERS = ["l2", "inet", "inet6", "ppp", "vxlan", "l2tp", "pptp"]
# No message is ever so long, so none is ever complete.
NEVER = 1 << 62
PORTS = struct.Struct("!HH")


def streams(capture: str) -> Iterator[tuple[tuple[str, int], tuple[str, int], bytes]]:
    """Give source, target and bytes of each direction."""
    from scapy.config import conf

    conf.load_layers = LAYERS
    conf.verb = 0
    logging.getLogger("scapy").setLevel(logging.CRITICAL)
    import_module("scapy.layers.all")
    from scapy.packet import Raw
    from scapy.sessions import StringBuffer, TCPSession
    from scapy.utils import PcapReader

    def direction() -> tuple[Any, dict[str, Any]]:
        known = {
            "pay_class": Raw,
            "tcp_reassemble": lambda *_: None,
            "tcp_min_len": NEVER,
        }
        return StringBuffer(), known

    session = TCPSession()
    session.tcp_frags = defaultdict(direction)
    with PcapReader(capture) as packets:
        while True:
            try:
                for _ in session.recv(packets):
                    pass
            except EOFError:
                break
    for ident, (buffer, _) in session.tcp_frags.items():
        size = (len(ident) - PORTS.size) // 2
        family = socket.AF_INET6 if size == 16 else socket.AF_INET
        source = socket.inet_ntop(family, ident[:size])
        target = socket.inet_ntop(family, ident[size : 2 * size])
        target_port, source_port = PORTS.unpack(ident[2 * size :])
        yield (source, source_port), (target, target_port), bytes(buffer)


def main(capture: str) -> None:
    for source, target, octets in streams(capture):
        line = json.dumps({"source": source, "target": target, "hex": octets.hex()})
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
