"""Rebuilds the streams of a capture with scapy's TCPSession, and counts their bytes.

TCPSession hands out a stream when a layer says that its message is complete; Whole
says so when the stream ends, so that nothing but reassembly is measured.
"""

import json
import sys
from typing import Any

from scapy.config import conf
from scapy.layers.inet import TCP
from scapy.packet import Packet, bind_layers
from scapy.sessions import TCPSession
from scapy.utils import PcapReader


class Whole(Packet):  # type: ignore[misc]
    """A stream, complete when TCPSession says that it ended."""

    @classmethod
    def tcp_reassemble(
        cls, data: bytes, metadata: dict[str, Any], _session: dict[str, Any]
    ) -> "Whole | None":
        """Return the stream once its FIN or RST was seen."""
        return cls(data) if metadata.get("tcp_end") else None


for port in (80, 443, 8080):
    bind_layers(TCP, Whole, sport=port)
    bind_layers(TCP, Whole, dport=port)
conf.verb = 0
session = TCPSession()
streams = 0
payload_bytes = 0
with PcapReader(sys.argv[1]) as packets:
    for packet in packets:
        rebuilt = session.process(packet)
        if rebuilt is not None and Whole in rebuilt:
            streams += 1
            payload_bytes += len(rebuilt[Whole])
print(json.dumps({"messages": streams, "bytes": payload_bytes}))
