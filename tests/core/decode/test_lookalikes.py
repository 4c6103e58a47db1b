"""UDP that looks like a tunnel is counted by its port, and no other is."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builder import ethernet, ip, tcp
from tests.core.decoded import RAW, Reader

SEGMENT = tcp(("10.0.0.1", 1025), ("10.0.0.2", 80), 7, b"payload", ack=9)
V4 = ip("10.0.0.1", "10.0.0.2", SEGMENT)
V6 = ip("2001:db8::1", "2001:db8::2", tcp(("2001:db8::1", 1), ("2001:db8::2", 2), 7))


def udp(payload: bytes, port: int = 9999, vlans: tuple[int, ...] = ()) -> bytes:
    head = struct.pack(">HHHH", 50000, port, 8 + len(payload), 0)
    packet = ip("192.0.2.1", "192.0.2.2", head + payload, protocol=17)
    return ethernet(packet, vlans=list(vlans)) if vlans else packet


def network(first: int, inside: bytes, last: int = 0x4D00) -> bytes:
    return struct.pack(">II", first, last) + inside


def gtp(inside: bytes, flags: int = 0x30, kind: int = 255, more: int = 0) -> bytes:
    return struct.pack(">BBHI", flags, kind, len(inside) + more, 9) + inside


def counts(*frames: bytes, link_type: int = RAW) -> dict[tuple[int, int], int]:
    reader = Reader()
    reader.decoder.look_alike()
    for frame in frames:
        assert reader.read(frame, link_type) == "udp"
    found: Any = reader.decoder.lookalikes
    return dict(found)


@pytest.mark.parametrize(
    ("payload", "usual"),
    [
        pytest.param(network(0x08000000, ethernet(V4)), 4789, id="VXLAN"),
        pytest.param(network(0x08000000, ethernet(V6)), 4789, id="VXLAN, IPv6"),
        pytest.param(network(0x00006558, ethernet(V4)), 6081, id="Geneve"),
        pytest.param(
            network(0x02006558, bytes(8) + ethernet(V6)), 6081, id="Geneve, options"
        ),
        pytest.param(network(0x00400800, V4), 6081, id="Geneve, IPv4, critical"),
        pytest.param(network(0x000086DD, V6), 6081, id="Geneve, IPv6"),
        pytest.param(gtp(V4), 2152, id="GTP"),
        pytest.param(gtp(bytes(4) + V6, 0x32), 2152, id="GTP, a sequence number"),
    ],
)
def test_a_tunnel_is_recognised(payload: bytes, usual: int) -> None:
    assert counts(udp(payload), udp(payload)) == {(9999, usual): 2}
    assert counts(udp(payload, vlans=(7,)), link_type=1) == {(9999, usual): 1}


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(bytes(100), id="zeros"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", id="text"),
        pytest.param(network(0x08000001, ethernet(V4)), id="VXLAN, a reserved bit"),
        pytest.param(network(0x08000000, ethernet(V4), 1), id="VXLAN, another"),
        pytest.param(network(0x08000000, bytes(60)), id="VXLAN of nothing"),
        pytest.param(network(0x00806558, ethernet(V4)), id="Geneve that controls"),
        pytest.param(network(0x00000800, V4 + b"x"), id="Geneve, one byte more"),
        pytest.param(network(0x3F006558, ethernet(V4)), id="Geneve, options beyond"),
        pytest.param(gtp(V4, more=1), id="GTP, another length"),
        pytest.param(gtp(V4, kind=254), id="GTP, an end marker"),
        pytest.param(gtp(bytes(40)), id="GTP of nothing"),
    ],
)
def test_other_udp_is_not(payload: bytes) -> None:
    assert counts(udp(payload)) == {}


def test_ports_that_are_counted_have_a_bound() -> None:
    frames = [udp(gtp(V4), port) for port in range(3000, 3100)]
    assert list(counts(*frames, *frames).values()) == [2] * 64


@given(st.integers(0, 60), st.binary(max_size=90))
def test_any_bytes_are_counted_as_udp(keep: int, octets: bytes) -> None:
    for payload in (gtp(V4), network(0x08000000, ethernet(V4))):
        counts(udp(payload[:keep] + octets))


def test_every_truncation_is_no_error() -> None:
    for payload in (gtp(V4), network(0x02006558, bytes(8) + ethernet(V6))):
        frame = udp(payload)
        for size in range(len(frame)):
            reader = Reader()
            reader.decoder.look_alike()
            assert isinstance(reader.read(frame[:size], original=len(frame)), str)


def test_nobody_looks_unasked() -> None:
    reader = Reader()
    assert reader.read(udp(gtp(V4))) == "udp"
    assert reader.decoder.lookalikes == {}
