"""Every link layer leads to the IP header, or says why there is none."""

import struct
from typing import Any

import pytest

from tests.builder import ethernet, ip, tcp
from tests.core.decoded import read, segment

HEADER = tcp(("10.0.0.1", 1025), ("10.0.0.2", 80), 7, b"payload", ack=9)
V4 = ip("10.0.0.1", "10.0.0.2", HEADER)
V6 = ip(
    "2001:db8::1",
    "2001:db8::2",
    tcp(("2001:db8::1", 1025), ("2001:db8::2", 80), 7, b"payload", ack=9),
)
MACS = bytes.fromhex("020000000001020000000002")


def sll(protocol: int) -> bytes:
    return struct.pack(">HHH8sH", 0, 1, 6, bytes(8), protocol)


def sll2(protocol: int) -> bytes:
    return struct.pack(">HHIHBB8s", protocol, 0, 1, 1, 0, 6, bytes(8))


def tagged(*types: int) -> bytes:
    return MACS + b"".join(struct.pack(">HH", tpid, 5) for tpid in types)


SNAP = b"\xaa\xaa\x03\x00\x00\x00\x08\x00"

LINKS = [
    pytest.param(0, b"\x02\0\0\0", V4, id="null, little-endian"),
    pytest.param(0, b"\0\0\0\x02", V4, id="null, big-endian"),
    pytest.param(0, b"\x0a\0\0\0", V6, id="null, Linux's AF_INET6"),
    pytest.param(0, b"\x18\0\0\0", V6, id="null, NetBSD's AF_INET6"),
    pytest.param(0, b"\x1c\0\0\0", V6, id="null, FreeBSD's AF_INET6"),
    pytest.param(0, b"\x1e\0\0\0", V6, id="null, macOS's AF_INET6"),
    pytest.param(0, b"\0\0\0\x1e", V6, id="null, AF_INET6 big-endian"),
    pytest.param(108, b"\0\0\0\x02", V4, id="loop"),
    pytest.param(108, b"\0\0\0\x18", V6, id="loop, IPv6"),
    pytest.param(1, MACS + b"\x08\0", V4, id="ethernet"),
    pytest.param(1, MACS + b"\x86\xdd", V6, id="ethernet, IPv6"),
    pytest.param(1, tagged(0x8100) + b"\x08\0", V4, id="802.1Q"),
    pytest.param(1, tagged(0x88A8, 0x8100) + b"\x86\xdd", V6, id="802.1ad"),
    pytest.param(1, tagged(0x9100, 0x9200, 0x8100) + b"\x08\0", V4, id="three tags"),
    pytest.param(1, tagged(*[0x8100] * 8) + b"\x08\0", V4, id="eight tags"),
    pytest.param(1, MACS + b"\0\x4f" + SNAP, V4, id="802.3 with SNAP"),
    pytest.param(
        1, MACS + b"\0\x4f\xaa\xaa\x03\0\0\xf8\x08\0", V4, id="802.3 with 802.1H"
    ),
    pytest.param(1, MACS + b"\0\x4f\x06\x06\x03", V4, id="802.3 with IP's SAP"),
    pytest.param(1, tagged(0x8100) + b"\0\x4f" + SNAP, V4, id="802.1Q, then SNAP"),
    pytest.param(12, b"", V4, id="raw, DLT 12"),
    pytest.param(14, b"", V6, id="raw, DLT 14"),
    pytest.param(101, b"", V4, id="raw"),
    pytest.param(101, b"", V6, id="raw, IPv6"),
    pytest.param(113, sll(0x0800), V4, id="sll"),
    pytest.param(113, sll(0x86DD), V6, id="sll, IPv6"),
    pytest.param(113, sll(0x8100) + b"\0\x05\x08\0", V4, id="sll, 802.1Q"),
    pytest.param(113, sll(0x0004) + SNAP, V4, id="sll, 802.2"),
    pytest.param(228, b"", V4, id="ipv4"),
    pytest.param(229, b"", V6, id="ipv6"),
    pytest.param(276, sll2(0x0800), V4, id="sll2"),
    pytest.param(276, sll2(0x86DD), V6, id="sll2, IPv6"),
]


@pytest.mark.parametrize(("link_type", "header", "packet"), LINKS)
def test_leads_to_the_segment(link_type: int, header: bytes, packet: bytes) -> None:
    row = segment(header + packet, link_type)
    assert row["payload"] == b"payload"
    assert row["family"] == packet[0] >> 4
    assert (row["seq"], row["ack"], row["checksum"]) == (7, 9, 1)


@pytest.mark.parametrize(("link_type", "header", "packet"), LINKS)
def test_every_truncation_says_where_it_was(
    link_type: int, header: bytes, packet: bytes
) -> None:
    frame = header + packet
    ip_size = 20 if packet[0] >> 4 == 4 else 40
    for size in range(len(frame)):
        got: Any = read(frame[:size], link_type, original=len(frame))
        if size < len(header) or (not header and size == 0 and link_type < 200):
            assert got == "link_truncated"
        elif size < len(header) + ip_size:
            assert got == "ip_truncated"
        elif size < len(header) + ip_size + 20:
            assert got == "tcp_truncated"
        else:
            payload = frame[len(header) + ip_size + 20 : size]
            assert (got["payload"], got["length"]) == (payload, 7)
            assert (got["captured"], got["checksum"]) == (len(payload), 0)


@pytest.mark.parametrize(
    ("link_type", "frame", "reason"),
    [
        pytest.param(1, MACS + b"\x08\x06" + bytes(28), "arp", id="arp"),
        pytest.param(1, MACS + b"\x80\x35" + bytes(28), "arp", id="rarp"),
        pytest.param(1, MACS + b"\x88\xcc" + bytes(28), "not_ip", id="lldp"),
        pytest.param(1, MACS + b"\x88\x63" + bytes(28), "not_ip", id="PPPoE discovery"),
        pytest.param(
            1, MACS + b"\0\x26\x42\x42\x03" + bytes(35), "not_ip", id="spanning tree"
        ),
        pytest.param(
            1, MACS + b"\0\x26\xaa\xaa\x03\0\0\x0c\x20\0", "not_ip", id="Cisco's SNAP"
        ),
        pytest.param(
            1, MACS + b"\0\x26\x06\x06\x13" + V4, "not_ip", id="not an information PDU"
        ),
        pytest.param(
            1, MACS + b"\0\x26\xff\xff\0\x22" + bytes(32), "not_ip", id="Novell's 802.3"
        ),
        pytest.param(1, MACS + b"\x05\xdd" + V4, "not_ip", id="neither of both"),
        pytest.param(
            1, tagged(*[0x8100] * 9) + b"\x08\0" + V4, "link_header", id="nine tags"
        ),
        pytest.param(0, b"\x07\0\0\0" + V4, "not_ip", id="null, another family"),
        pytest.param(0, b"\x02\0\0\x02" + V4, "not_ip", id="null, no byte order"),
        pytest.param(113, sll(0x0001) + V4, "not_ip", id="sll, Novell"),
        pytest.param(113, sll(0x0806) + bytes(28), "arp", id="sll, arp"),
        pytest.param(101, b"\x50" + V4, "not_ip", id="raw, version 5"),
        pytest.param(147, V4, "unknown_link_type", id="user 0"),
        pytest.param(65535, V4, "unknown_link_type", id="the last link type"),
    ],
)
def test_says_what_is_not_ip(link_type: int, frame: bytes, reason: str) -> None:
    assert read(frame, link_type) == reason


@pytest.mark.parametrize("trailer", [0, 4, 30])
def test_what_follows_the_packet_is_no_payload(trailer: int) -> None:
    header = tcp(("10.0.0.1", 1025), ("10.0.0.2", 80), 7, b"ab", ack=9)
    frame = ethernet(ip("10.0.0.1", "10.0.0.2", header), pad=True)
    row = segment(frame + b"\xff" * trailer, 1)
    assert (row["payload"], row["length"], row["checksum"]) == (b"ab", 2, 1)
