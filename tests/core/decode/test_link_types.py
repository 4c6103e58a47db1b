"""Link layers that are not plain lead to the segment, too."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builder import ethernet, ip, tcp
from tests.core.decoded import read, segment
from unpacket._core.decode.layers import path_text

A4, B4 = "10.0.0.1", "10.0.0.2"
A6, B6 = "2001:db8::1", "2001:db8::2"
V4 = ip(A4, B4, tcp((A4, 1025), (B4, 80), 7, b"payload", ack=9))
V6 = ip(A6, B6, tcp((A6, 1025), (B6, 80), 7, b"payload", ack=9))
PAYLOAD = b"payload"

SNAP4 = b"\xaa\xaa\x03\0\0\0\x08\0" + V4
SNAP6 = b"\xaa\xaa\x03\0\0\0\x86\xdd" + V6
ADDRESSES = bytes(18)


def wlan(
    body: bytes, *, kind: int = 0x08, control: int = 1, fragment: int = 0
) -> bytes:
    """Return a data frame; ``kind`` 0x88 is one with quality of service."""
    head = bytes([kind, control]) + bytes(2) + ADDRESSES
    head += struct.pack("<H", 0x10 | fragment)
    if control & 3 == 3:
        head += bytes(6)
    if kind & 0x80:
        head += b"\0\0"
        if control & 0x80:
            head += bytes(4)
    return head + body


def radiotap(
    frame: bytes, *, flags: int = 0, time: bool = False, more: int = 0
) -> bytes:
    """Return a frame with a header of flags, some words of ``present``, and a time."""
    present = 2 | time | bool(more) << 31
    fields = struct.pack("<I", present)
    fields += b"".join(
        struct.pack("<I", (n + 1 < more) << 31 | 0x10) for n in range(more)
    )
    if time:
        fields += bytes(-(4 + len(fields)) % 8) + bytes(8)
    fields += bytes([flags])
    return struct.pack("<BBH", 0, 0, 4 + len(fields)) + fields + frame


def ppi(link_type: int, frame: bytes, fields: bytes = b"") -> bytes:
    return struct.pack("<BBHI", 0, 0, 8 + len(fields), link_type) + fields + frame


def pktap(link_type: int, frame: bytes) -> bytes:
    return struct.pack("<III", 108, 1, link_type) + bytes(96) + frame


def attribute(order: str, kind: int, value: bytes) -> bytes:
    head = struct.pack(order + "HH", 4 + len(value), kind)
    return head + value + bytes(-len(value) % 4)


def nflog(order: str, packet: bytes, family: int = 2) -> bytes:
    head = struct.pack(">BBH", family, 0, 30)
    head += attribute(order, 1, bytes(4)) + attribute(order, 10, b"prefix\0")
    return head + attribute(order, 9, packet)


# The link type, the frame, the path.
FRAMES = {
    "PPP": (9, b"\xff\x03\0\x21" + V4, "ppp/ip/tcp"),
    "PPP without address": (9, b"\0\x57" + V6, "ppp/ipv6/tcp"),
    "PPP, one byte of protocol": (50, b"\xff\x03\x21" + V4, "ppp/ip/tcp"),
    "PPP, with Cisco's HDLC in it": (9, b"\x0f\0\x08\0" + V4, "chdlc/ip/tcp"),
    "PPP with direction": (204, b"\1\xff\x03\0\x21" + V4, "ppp/ip/tcp"),
    "PPPoE": (
        51,
        struct.pack(">BBHH", 0x11, 0, 7, 2 + len(V4)) + b"\0\x21" + V4,
        "pppoe:7/ppp/ip/tcp",
    ),
    "Cisco HDLC": (104, b"\x8f\0\x86\xdd" + V6, "chdlc/ipv6/tcp"),
    "Cisco HDLC with direction": (205, b"\0\x0f\0\x08\0" + V4, "chdlc/ip/tcp"),
    "FDDI": (10, b"\x50" + bytes(12) + SNAP4, "fddi/llc/ip/tcp"),
    "token ring": (6, b"\x10\x40" + bytes(12) + SNAP4, "tr/llc/ip/tcp"),
    "token ring with a route": (
        6,
        b"\x10\x40" + bytes(6) + b"\x80" + bytes(5) + b"\x06\0\0\1\0\2" + SNAP6,
        "tr/llc/ipv6/tcp",
    ),
    "ATM": (100, SNAP4, "atm/llc/ip/tcp"),
    "Fibre Channel": (122, bytes(16) + SNAP4, "fc/llc/ip/tcp"),
    "Frame Relay, IP": (107, b"\x18\x41\x03\xcc" + V4, "fr/ip/tcp"),
    "Frame Relay, IPv6": (107, b"\x18\x41\x03\x8e" + V6, "fr/ipv6/tcp"),
    "Frame Relay, Cisco": (107, b"\x18\x41\x08\0" + V4, "fr/ip/tcp"),
    "Frame Relay, SNAP": (
        107,
        b"\x18\x41\x03\0\x80\0\0\0\x08\0" + V4,
        "fr/ip/tcp",
    ),
    "FireWire": (138, bytes(16) + b"\x08\0" + V4, "ieee1394/ip/tcp"),
    "MPLS": (219, b"\0\1\x01\x40" + V4, "mpls:16/ip/tcp"),
    "802.11": (105, wlan(SNAP4), "wlan/llc/ip/tcp"),
    "802.11, quality of service": (105, wlan(SNAP6, kind=0x88), "wlan/llc/ipv6/tcp"),
    "802.11, between access points": (
        105,
        wlan(SNAP4, control=3, kind=0x88),
        "wlan/llc/ip/tcp",
    ),
    "802.11, high throughput": (
        105,
        wlan(SNAP4, kind=0x88, control=0x82),
        "wlan/llc/ip/tcp",
    ),
    "802.11, decrypted": (105, wlan(SNAP4, control=0x42), "wlan/llc/ip/tcp"),
    "radiotap": (127, radiotap(wlan(SNAP4)), "radiotap/wlan/llc/ip/tcp"),
    "radiotap, all before the flags": (
        127,
        radiotap(wlan(SNAP4), time=True, more=3),
        "radiotap/wlan/llc/ip/tcp",
    ),
    "radiotap, filled up": (
        127,
        radiotap(wlan(b"\0\0" + SNAP4, kind=0x88), flags=0x20),
        "radiotap/wlan/llc/ip/tcp",
    ),
    "Prism": (119, b"\0\0\0\x44\0\0\0\x90" + bytes(136) + wlan(SNAP4), "prism/wlan"),
    "AVS under Prism's number": (
        119,
        b"\x80\x21\x10\x01\0\0\0\x40" + bytes(56) + wlan(SNAP4),
        "avs/wlan",
    ),
    "AVS": (163, b"\x80\x21\x10\x02\0\0\0\x40" + bytes(56) + wlan(SNAP4), "avs/wlan"),
    "PPI, 802.11": (192, ppi(105, wlan(SNAP4), bytes(12)), "ppi/wlan/llc/ip/tcp"),
    "PPI, Ethernet": (192, ppi(1, ethernet(V6)), "ppi/ipv6/tcp"),
    "PPI, raw": (192, ppi(101, V4), "ppi/ip/tcp"),
    "PPI in PPI": (192, ppi(192, ppi(0, b"\2\0\0\0" + V4)), "ppi/ppi/ip/tcp"),
    "PKTAP": (258, pktap(1, ethernet(V4)), "pktap/ip/tcp"),
    "NFLOG": (239, nflog("<", V4), "nflog/ip/tcp"),
    "NFLOG, big-endian": (239, nflog(">", V6, 10), "nflog/ipv6/tcp"),
    "IPsec": (109, bytes(12) + V4, "enc/ip/tcp"),
    "packet filter": (117, b"\x3d\x02\0\0" + bytes(60) + V4, "pflog/ip/tcp"),
    "netANALYZER": (240, bytes(4) + ethernet(V4), "netanalyzer/ip/tcp"),
}
ROWS = [pytest.param(*row, id=name) for name, row in FRAMES.items()]


@pytest.mark.parametrize(("link_type", "frame", "path"), ROWS)
def test_a_frame_leads_to_the_segment(link_type: int, frame: bytes, path: str) -> None:
    row = segment(frame, link_type)
    assert row["payload"] == PAYLOAD
    assert (row["seq"], row["ack"], row["checksum"]) == (7, 9, 1)
    assert path_text(link_type, row["layers"], row["family"]).startswith(path)


@pytest.mark.parametrize(("link_type", "frame", "path"), ROWS)
def test_every_truncation_is_counted(link_type: int, frame: bytes, path: str) -> None:
    whole = frame.index(PAYLOAD)
    for size in range(len(frame)):
        got: Any = read(frame[:size], link_type, original=len(frame))
        if size < whole:
            assert isinstance(got, str)
        else:
            assert got["payload"] == frame[whole:size][: len(PAYLOAD)]


@given(st.sampled_from(list(FRAMES.values())), st.data(), st.binary(max_size=80))
def test_any_bytes_in_a_header_are_a_segment_or_counted(
    row: tuple[int, bytes, str], data: st.DataObject, octets: bytes
) -> None:
    link_type, frame, _ = row
    at = data.draw(st.integers(0, len(frame)))
    stop = data.draw(st.integers(at, len(frame)))
    read(frame[:at] + octets + frame[stop:], link_type)


@pytest.mark.parametrize(
    ("link_type", "frame", "reason"),
    [
        pytest.param(9, b"\xff\x03\xc0\x21" + bytes(8), "not_ip", id="LCP"),
        pytest.param(104, b"\x8f\0\x80\x35" + bytes(20), "not_ip", id="SLARP"),
        pytest.param(105, b"\x80\0" + bytes(60), "not_ip", id="beacon"),
        pytest.param(105, wlan(b"", kind=0x48), "not_ip", id="data without data"),
        pytest.param(105, wlan(bytes(60), control=0x41), "encapsulated", id="secret"),
        pytest.param(
            105, wlan(SNAP4, fragment=1), "encapsulated", id="fragment of 802.11"
        ),
        pytest.param(
            127, radiotap(wlan(SNAP4), flags=0x40), "link_header", id="wrong sum"
        ),
        pytest.param(127, b"\0\0\x07\0" + bytes(60), "link_header", id="short header"),
        pytest.param(127, b"\1\0\x09\0" + bytes(60), "link_header", id="radiotap 1"),
        pytest.param(
            192, ppi(147, b"abc"), "unknown_link_type", id="PPI of what is not known"
        ),
        pytest.param(
            192, ppi(1 << 20, b"abc"), "link_header", id="PPI of what there is not"
        ),
        pytest.param(
            192, b"".join([ppi(192, b"")] * 40), "encapsulated", id="PPI in PPI in PPI"
        ),
        pytest.param(239, b"\2\0\0\0", "not_ip", id="NFLOG of nothing"),
        pytest.param(239, b"\2\0\0\0" + bytes(8), "link_header", id="NFLOG of zeros"),
        pytest.param(239, nflog("<", V4, 7), "not_ip", id="NFLOG of a bridge"),
        pytest.param(107, b"\x18\x40" + bytes(8), "encapsulated", id="long address"),
        pytest.param(107, b"\x18\x41\x03\x08" + bytes(9), "not_ip", id="Q.933"),
    ],
)
def test_what_a_frame_is_instead_is_said(
    link_type: int, frame: bytes, reason: str
) -> None:
    assert read(frame, link_type) == reason


def aggregated(*parts: bytes) -> bytes:
    octets = b""
    for part in parts:
        octets += bytes(-len(octets) % 4)
        octets += bytes(12) + struct.pack(">H", len(part)) + part
    frame = bytearray(wlan(octets, kind=0x88))
    frame[24] |= 0x80
    return bytes(frame)


def test_one_aggregated_frame_is_read_and_several_are_counted() -> None:
    assert segment(aggregated(SNAP4), 105)["payload"] == PAYLOAD
    assert read(aggregated(SNAP4, SNAP6), 105) == "encapsulated"


def test_a_captured_check_sequence_is_no_payload() -> None:
    # Nothing but the end of the frame says how long the packet is.
    body = tcp((A4, 1025), (B4, 80), 7, PAYLOAD, ack=9)
    packet = ip(A4, B4, body, total_length=0)
    frame = wlan(b"\xaa\xaa\x03\0\0\0\x08\0" + packet) + b"\1\2\3\4"
    row = segment(radiotap(frame, flags=0x10), 127)
    assert (row["payload"], row["checksum"]) == (PAYLOAD, 1)
