"""The IP layers find TCP, its true length and its true addresses."""

import ipaddress
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builder import checksum, ethernet, ip, tcp
from tests.core.decoded import ETHERNET, RAW, read, segment

A4, B4 = "10.0.0.1", "192.168.200.250"
A6, B6 = "2001:db8::1", "fe80:1234:5678:9abc:def0:1234:5678:9abc"
TCP4 = tcp((A4, 1025), (B4, 80), 7, b"payload", ack=9)
TCP6 = tcp((A6, 1025), (B6, 80), 7, b"payload", ack=9)
V4 = ip(A4, B4, TCP4, ttl=61, identification=0xBEEF)
V6 = ip(A6, B6, TCP6, ttl=61)


def with_options(options: bytes) -> bytes:
    """Return V4 with IPv4 options, which fill whole words."""
    size = 20 + len(options)
    head = bytes([0x40 | size // 4, 0]) + struct.pack(">H", size + len(TCP4))
    head += V4[4:10] + b"\0\0" + V4[12:20] + options
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + TCP4


def v6(first: int, body: bytes, payload: int | None = None) -> bytes:
    """Return an IPv6 packet from A6 to B6 whose first next header is ``first``."""
    return ip(A6, B6, body, protocol=first, total_length=payload)


def extension(following: int, body: bytes = bytes(6)) -> bytes:
    """Return an extension header with 6, 14, 22 ... bytes of its own."""
    return bytes([following, (len(body) - 6) // 8]) + body


def address(text: str) -> int:
    return int(ipaddress.ip_address(text))


def test_ipv4_fields() -> None:
    row = segment(V4)
    assert (row["family"], row["ttl"], row["ip_id"]) == (4, 61, 0xBEEF)
    assert (row["a_hi"], row["a_lo"]) == (0, address(A4))
    assert (row["b_hi"], row["b_lo"]) == (0, address(B4))
    assert row["payload"] == b"payload"


def test_ipv6_fields() -> None:
    row = segment(V6)
    assert (row["family"], row["ttl"], row["ip_id"]) == (6, 61, 0)
    assert row["a_hi"] << 64 | row["a_lo"] == address(A6)
    assert row["b_hi"] << 64 | row["b_lo"] == address(B6)
    assert (row["payload"], row["checksum"]) == (b"payload", 1)


@pytest.mark.parametrize("size", range(0, 44, 4))
def test_ipv4_options_are_passed_over(size: int) -> None:
    row = segment(with_options(b"\x01" * size))
    assert (row["payload"], row["checksum"]) == (b"payload", 1)


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        pytest.param(b"\x44" + V4[1:], "ip_header", id="a header of 16 bytes"),
        pytest.param(b"\x40" + V4[1:], "ip_header", id="a header of no bytes"),
        pytest.param(b"\x4f" + V4[1:], "ip_truncated", id="a header past the end"),
        pytest.param(b"\x4f" + V4[1:] + bytes(60), "ip_header", id="longer than all"),
        pytest.param(V4[:2] + b"\0\x13" + V4[4:], "ip_header", id="19 bytes in all"),
        pytest.param(V4[:2] + b"\0\x14" + V4[4:], "tcp_header", id="no TCP header"),
        pytest.param(V4[:2] + b"\0\x27" + V4[4:], "tcp_header", id="19 bytes of TCP"),
        pytest.param(ip(A4, B4, bytes(8), protocol=17), "udp", id="UDP"),
        pytest.param(ip(A4, B4, b"", protocol=17), "udp", id="UDP without a header"),
        pytest.param(
            ip(A4, B4, b"\0\x35\x12\xb5" + bytes(60), protocol=17),
            "udp",
            id="VXLAN's port, but not VXLAN",
        ),
        pytest.param(
            ip(A4, B4, b"\0\x35\x12\xb5", protocol=17, fragment_offset=800),
            "fragment",
            id="not the ports of VXLAN",
        ),
        pytest.param(ip(A4, B4, b"\x03\x01\0\0" + V4, protocol=1), "icmp", id="ICMP"),
        pytest.param(ip(A6, B6, b"\x01\x01\0\0" + V6, protocol=58), "icmp", id="v6"),
        pytest.param(ip(A4, B4, bytes(40), protocol=132), "other_protocol", id="SCTP"),
        pytest.param(ip(A6, B6, bytes(40), protocol=50), "other_protocol", id="ESP"),
        pytest.param(ip(A6, B6, b"", protocol=59), "other_protocol", id="nothing"),
        # Hop-by-hop options are a header of IPv6 alone.
        pytest.param(
            ip(A4, B4, extension(6) + TCP4, protocol=0), "other_protocol", id="HOPOPT"
        ),
    ],
)
def test_says_what_is_no_tcp(packet: bytes, reason: str) -> None:
    assert read(packet) == reason


@pytest.mark.parametrize(
    ("ethertype", "packet"), [(b"\x08\0", V6), (b"\x86\xdd", V4.ljust(40, b"\0"))]
)
def test_the_version_must_be_that_of_the_link_layer(
    ethertype: bytes, packet: bytes
) -> None:
    assert read(bytes(12) + ethertype + packet, ETHERNET) == "ip_header"


def test_total_length_0_reaches_to_the_end_of_the_frame() -> None:
    body = bytes(range(256)) * 300
    whole = tcp((A4, 1025), (B4, 80), 7, body, ack=9)
    frame = ethernet(ip(A4, B4, whole, total_length=0))
    row = segment(frame, ETHERNET)
    assert (row["length"], row["captured"], row["checksum"]) == (76800, 76800, 1)
    assert row["payload"] == body
    cut = segment(frame[:100], ETHERNET, original=len(frame))
    assert (cut["length"], cut["captured"], cut["checksum"]) == (76800, 46, 0)


def test_total_length_0_with_a_trailer_is_not_called_damage() -> None:
    row = segment(ip(A4, B4, TCP4, total_length=0) + b"\x12\x34\x56\x78")
    assert (row["length"], row["checksum"]) == (11, 0)


def test_a_frame_shorter_than_its_packet_was_cut() -> None:
    for original in (None, 60, 2000):
        row = segment(V4[:-3], original=original)
        assert (row["length"], row["payload"]) == (7, b"payl")
        assert (row["captured"], row["checksum"]) == (4, 0)


def test_a_damaged_ipv4_header_is_as_bad_as_a_damaged_segment() -> None:
    damaged = V4[:8] + b"\x3c" + V4[9:]
    assert segment(damaged)["checksum"] == 2
    options = with_options(b"\x01" * 8)
    assert segment(options[:21] + b"\0" + options[22:])["checksum"] == 2
    # Offload leaves the field empty.
    assert segment(damaged[:10] + b"\0\0" + damaged[12:])["checksum"] == 1
    row = read(damaged, verify_checksums=False)
    assert isinstance(row, dict) and row["checksum"] == 0


CHAINS: dict[str, tuple[int, bytes]] = {
    "hop by hop": (0, extension(6)),
    "destination options, 24 bytes": (60, extension(6, bytes(22))),
    "used up routing header": (43, extension(6, b"\x04\0" + bytes(20))),
    "mobility": (135, extension(6)),
    "host identity": (139, extension(6, bytes(38))),
    "shim6": (140, extension(6)),
    "authentication header": (51, bytes([6, 4]) + bytes(22)),
    "atomic fragment": (44, b"\x06\0\0\0\0\0\0\x07"),
    "all of them": (
        0,
        extension(60)
        + extension(43)
        + extension(44, bytes(6))
        + extension(51, bytes(6))
        + bytes([60, 4])
        + bytes(22)
        + extension(6, bytes(14)),
    ),
    "64 headers": (60, extension(60) * 63 + extension(6)),
}
PACKETS = [V4, V6, with_options(bytes(12))]
PACKETS += [v6(first, chain + TCP6) for first, chain in CHAINS.values()]


@pytest.mark.parametrize(("first", "chain"), CHAINS.values(), ids=CHAINS)
def test_extension_headers_are_passed_over(first: int, chain: bytes) -> None:
    packet = v6(first, chain + TCP6)
    row = segment(packet)
    assert (row["payload"], row["checksum"]) == (b"payload", 1)
    assert row["a_hi"] << 64 | row["a_lo"] == address(A6)
    for size in range(40, 40 + len(chain) + 20):
        assert read(packet[:size], original=len(packet)) == (
            "ip_truncated" if size < 40 + len(chain) else "tcp_truncated"
        )


def test_the_authentication_header_is_one_of_ipv4_too() -> None:
    packet = ip(A4, B4, bytes([6, 4]) + bytes(22) + TCP4, protocol=51)
    assert segment(packet)["payload"] == b"payload"


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        pytest.param(v6(60, extension(60) * 65), "ip_header", id="65 headers"),
        pytest.param(v6(60, b"\x06\xff" + TCP6), "ip_header", id="past the end"),
        pytest.param(v6(44, b"\x06\0\0"), "ip_header", id="half a fragment header"),
        pytest.param(v6(60, extension(58) + bytes(8)), "icmp", id="ICMP behind it"),
    ],
)
def test_chains_that_do_not_lead_to_tcp(packet: bytes, reason: str) -> None:
    assert read(packet) == reason


@pytest.mark.parametrize(
    ("kind", "stops", "final"),
    [
        pytest.param(0, 3, 2, id="type 0"),
        pytest.param(2, 1, 0, id="type 2, mobile IPv6"),
        pytest.param(4, 3, 0, id="type 4, segment routing"),
    ],
)
def test_the_end_of_the_route_is_the_destination(
    kind: int, stops: int, final: int
) -> None:
    route = [ipaddress.ip_address(f"2001:db8:1::{n + 1}").packed for n in range(stops)]
    target = f"2001:db8:1::{final + 1}"
    whole = tcp((A6, 1025), (target, 80), 7, b"payload", ack=9)
    routing = bytes([kind, 1]) + bytes(4) + b"".join(route)
    row = segment(v6(43, extension(6, routing) + whole))
    assert row["b_hi"] << 64 | row["b_lo"] == address(target)
    assert (row["payload"], row["checksum"]) == (b"payload", 1)
    # Another kind is not understood, and too short a one has no address.
    unknown = segment(v6(43, extension(6, b"\x05" + routing[1:]) + whole))
    assert unknown["b_hi"] << 64 | unknown["b_lo"] == address(B6)
    short = segment(v6(43, extension(6, bytes([kind, 1]) + bytes(4)) + whole))
    assert short["b_hi"] << 64 | short["b_lo"] == address(B6)


def test_the_home_address_is_the_source() -> None:
    home = "2001:db8:2::1"
    whole = tcp((home, 1025), (B6, 80), 7, b"payload", ack=9)
    option = b"\xc9\x10" + ipaddress.ip_address(home).packed
    for options in (b"\0\0" + option + b"\0\0", b"\x01\x02\0\0" + option):
        row = segment(v6(60, extension(6, options) + whole))
        assert row["a_hi"] << 64 | row["a_lo"] == address(home)
        assert (row["payload"], row["checksum"]) == (b"payload", 1)
    # Not where it is cut short by its header, or has another size.
    for options in (b"\0\0\xc9\x10\0\0", b"\x01\x02\0\0\xc9\x0f" + bytes(16)):
        row = segment(v6(60, extension(6, options) + whole))
        assert row["a_hi"] << 64 | row["a_lo"] == address(A6)


def jumbo(length: int, option: bytes = b"\xc2\x04") -> bytes:
    return bytes([6, 0]) + option + struct.pack(">I", length)


def test_a_jumbogram() -> None:
    body = bytes(100_000)
    whole = tcp((A6, 1025), (B6, 80), 7, body, ack=9)
    frame = v6(0, jumbo(8 + len(whole)) + whole, 0) + b"trailer"
    row = segment(frame)
    assert (row["length"], row["captured"], row["checksum"]) == (100_000, 100_000, 1)
    cut = segment(frame[:200], original=len(frame))
    assert (cut["length"], cut["captured"], cut["checksum"]) == (100_000, 132, 0)


def test_big_tcp_without_a_length_reaches_to_the_end_of_the_frame() -> None:
    body = bytes(100_000)
    whole = tcp((A6, 1025), (B6, 80), 7, body, ack=9)
    for packet in (v6(6, whole, 0), v6(0, extension(6) + whole, 0)):
        row = segment(packet)
        assert (row["length"], row["checksum"]) == (100_000, 1)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        pytest.param(jumbo(65535), "ip_header", id="needs no jumbogram"),
        pytest.param(jumbo(0xFFFFFFFF), "ip_header", id="more than the frame had"),
        pytest.param(jumbo(80_000, b"\xc2\x03"), None, id="not its size"),
        pytest.param(b"\x06\0\0\0\0\0\0\0", None, id="padding bytes"),
        pytest.param(b"\x06\0\x01\xff\0\0\0\0", None, id="an option past the end"),
    ],
)
def test_lengths_of_jumbograms(options: bytes, reason: str | None) -> None:
    whole = tcp((A6, 1025), (B6, 80), 7, bytes(100_000), ack=9)
    got = read(v6(0, options + whole, 0))
    if reason is None:
        assert isinstance(got, dict) and got["length"] == 100_000
    else:
        assert got == reason


def test_an_ipv6_packet_without_payload_is_no_segment() -> None:
    # 6 bytes of Ethernet padding are not a TCP header.
    frame = ethernet(v6(6, b"")) + bytes(6)
    assert read(frame, ETHERNET) == "tcp_header"


@given(st.binary(max_size=120), st.sampled_from([RAW, ETHERNET, 228, 229]))
def test_any_bytes_are_a_segment_or_a_reason(octets: bytes, link_type: int) -> None:
    got: Any = read(octets, link_type)
    if isinstance(got, dict):
        assert got["captured"] == len(got["payload"]) <= got["length"]


@given(st.data())
def test_a_damaged_packet_is_a_segment_or_a_reason(data: st.DataObject) -> None:
    packet = data.draw(st.sampled_from(PACKETS))
    octets = bytearray(packet)
    for _ in range(data.draw(st.integers(1, 6))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(
            st.integers(0, 255)
        )
    size = data.draw(st.integers(0, len(octets)))
    got: Any = read(bytes(octets[:size]), original=len(octets))
    if isinstance(got, dict):
        assert got["captured"] == len(got["payload"]) <= got["length"]
