"""Collects the payload of each half with dpkt, in the loop that everybody writes.

It takes segments as they come: neither order nor repetition is looked at.
"""

import json
import sys

import dpkt

halves: dict[tuple[bytes, bytes, int, int], bytearray] = {}
with open(sys.argv[1], "rb") as file:
    for _, frame in dpkt.pcap.Reader(file):
        packet = dpkt.ethernet.Ethernet(frame).data
        if isinstance(packet, dpkt.ip.IP) and isinstance(packet.data, dpkt.tcp.TCP):
            segment = packet.data
            key = (packet.src, packet.dst, segment.sport, segment.dport)
            halves.setdefault(key, bytearray()).extend(segment.data)
found = sum(len(half) for half in halves.values())
print(json.dumps({"halves": len(halves), "bytes": found}))
