"""A TCP header becomes a row: fields, options, ends in order, hash and checksum."""

import ipaddress
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builder import ip, mss, sack, sack_permitted, tcp, timestamps, window_scale
from tests.core.decoded import KEYS, Reader, batch_of, read, rows, segment
from unpacket._core.decode.decoder import Decoder
from unpacket._core.decode.segments import Segments

A, B = ("10.0.0.1", 1025), ("192.168.200.250", 80)
NO_OPTIONS = {
    "mss": 0,
    "wscale": 255,
    "sack_permitted": 0,
    "has_timestamp": 0,
    "tsval": 0,
    "tsecr": 0,
    "sack_start": 0,
    "sack_count": 0,
}


def options_of(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in NO_OPTIONS if row[name] != NO_OPTIONS[name]}


def packet(options: bytes = b"", payload: bytes = b"payload") -> bytes:
    """Return a packet with just these options, which fill whole words."""
    assert len(options) % 4 == 0
    return ip(A[0], B[0], tcp(A, B, 7, payload, ack=9, options=options))


def padded(options: bytes) -> bytes:
    return options + bytes(-len(options) % 4)


def test_fields() -> None:
    whole = tcp(A, B, 0xFEDCBA98, b"payload", ack=0x87654321, flags=0x1EA, window=54321)
    row = segment(ip(A[0], B[0], whole))
    assert (row["seq"], row["ack"]) == (0xFEDCBA98, 0x87654321)
    assert (row["flags"], row["window"]) == (0x1FA, 54321)
    assert (row["length"], row["captured"], row["payload"]) == (7, 7, b"payload")
    assert row["ports"] == 1025 << 16 | 80
    assert (row["source"], row["start"], row["checksum"]) == (-1, 40, 1)
    assert (row["index"], row["time_ns"], row["context"]) == (0, 0, 0)
    assert options_of(row) == {}


def test_reserved_bits_are_no_flags() -> None:
    octets = bytearray(packet())
    octets[32] |= 0x0E
    assert segment(bytes(octets))["flags"] == 0x10


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(b"", {}, id="none"),
        pytest.param(bytes(4), {}, id="end of list"),
        pytest.param(b"\x01" * 40, {}, id="nothing but padding"),
        pytest.param(mss(1460), {"mss": 1460}, id="mss"),
        pytest.param(b"\x01" + window_scale(7), {"wscale": 7}, id="window scale"),
        pytest.param(b"\x01" + window_scale(14), {"wscale": 14}, id="largest scale"),
        pytest.param(b"\x01" + window_scale(15), {"wscale": 14}, id="too large"),
        pytest.param(
            b"\x01" + window_scale(255), {"wscale": 14}, id="far too large a scale"
        ),
        pytest.param(
            padded(sack_permitted()), {"sack_permitted": 1}, id="SACK permitted"
        ),
        pytest.param(
            b"\x01\x01" + timestamps(1, 0xFFFFFFFF),
            {"has_timestamp": 1, "tsval": 1, "tsecr": 0xFFFFFFFF},
            id="timestamps as usual",
        ),
        pytest.param(
            timestamps(0xFEDCBA98, 2) + b"\x01\x01",
            {"has_timestamp": 1, "tsval": 0xFEDCBA98, "tsecr": 2},
            id="timestamps first",
        ),
        pytest.param(
            mss(1400) + sack_permitted() + timestamps(3, 4) + b"\x01" + window_scale(2),
            {
                "mss": 1400,
                "sack_permitted": 1,
                "has_timestamp": 1,
                "tsval": 3,
                "tsecr": 4,
                "wscale": 2,
            },
            id="Linux's SYN",
        ),
        pytest.param(
            b"\x01\x01" + timestamps(3, 4) + b"\x01\x01" + sack((5, 6), (7, 8), (9, 1)),
            {
                "has_timestamp": 1,
                "tsval": 3,
                "tsecr": 4,
                "sack_start": 40 + 16,
                "sack_count": 3,
            },
            id="timestamps and SACK",
        ),
        pytest.param(
            padded(sack((1, 2), (3, 4), (5, 6), (7, 8))),
            {"sack_start": 42, "sack_count": 4},
            id="as many blocks as fit",
        ),
        pytest.param(mss(1) + mss(2), {"mss": 2}, id="the last one counts"),
        pytest.param(mss(9) + b"\x02\x03\x05\x01" + mss(5), {"mss": 5}, id="size 3"),
        pytest.param(padded(b"\x05\x02"), {}, id="SACK without blocks"),
        pytest.param(padded(b"\x05\x0b" + bytes(9)), {}, id="SACK with half a block"),
        pytest.param(
            mss(9) + b"\x01\x02\x04\x05", {"mss": 9}, id="one byte past the end"
        ),
        pytest.param(mss(9) + b"\x63\x00" + mss(5) + b"\0\0", {"mss": 9}, id="size 0"),
        pytest.param(mss(9) + b"\x63\x01" + mss(5) + b"\0\0", {"mss": 9}, id="size 1"),
        pytest.param(
            mss(9) + b"\x63\xff" + mss(5) + b"\0\0", {"mss": 9}, id="past the header"
        ),
        pytest.param(mss(9) + b"\x63\x02" + mss(5) + b"\0\0", {"mss": 5}, id="unknown"),
        pytest.param(mss(9) + b"\x01\x01\x01\x63", {"mss": 9}, id="a kind and no size"),
        pytest.param(mss(9) + b"\0" + mss(5) + b"\0\0\0", {"mss": 9}, id="ended"),
    ],
)
def test_options(options: bytes, expected: dict[str, int]) -> None:
    row = segment(packet(options))
    assert options_of(row) == expected
    assert (row["payload"], row["checksum"]) == (b"payload", 1)


def test_sack_blocks_are_where_the_row_says() -> None:
    frame = packet(padded(sack((1, 2), (0xFFFFFFFF, 4))))
    row = segment(frame)
    blocks = struct.unpack_from(f">{2 * row['sack_count']}I", frame, row["sack_start"])
    assert blocks == (1, 2, 0xFFFFFFFF, 4)


def test_options_that_the_capture_cut_are_unknown() -> None:
    frame = packet(mss(1400) + b"\x01\x01" + timestamps(3, 4))
    for size in range(40, len(frame)):
        row = segment(frame[:size], original=len(frame))
        assert row["mss"] == (1400 if size >= 44 else 0)
        assert row["has_timestamp"] == (size >= 56)
        assert row["length"] == 7
        assert row["payload"] == b"payload"[: max(size - 56, 0)]
        assert row["start"] == min(size, 56)
        assert row["checksum"] == 0


@pytest.mark.parametrize("words", [0, 4, 11, 15])
def test_a_header_of_impossible_size(words: int) -> None:
    octets = bytearray(packet(payload=b""))
    octets[32] = words << 4
    assert read(bytes(octets)) == "tcp_header"


def test_a_header_may_be_the_whole_segment() -> None:
    row = segment(packet(b"\x01" * 40, b""))
    assert (row["length"], row["captured"], row["start"]) == (0, 0, 80)


@given(st.binary(max_size=40).map(lambda octets: octets[: len(octets) & ~3]))
def test_any_options_are_read(options: bytes) -> None:
    row = segment(packet(options))
    assert row["payload"] == b"payload"
    assert row["wscale"] <= 14 or row["wscale"] == 255
    if row["sack_count"]:
        stop = row["sack_start"] + 8 * row["sack_count"]
        assert 40 <= row["sack_start"] < stop <= 40 + len(options)


V4 = st.integers(0, 2**32 - 1).map(lambda n: str(ipaddress.IPv4Address(n)))
V6 = st.integers(0, 2**128 - 1).map(lambda n: str(ipaddress.IPv6Address(n)))
FEW_V6 = st.integers(0, 3).map(lambda n: f"2001:db8::{n & 1}:0:0:0:{n >> 1}")
PORTS = st.integers(0, 65535) | st.integers(80, 81)
PAIRS = st.tuples(V4, V4) | st.tuples(V6, V6) | st.tuples(FEW_V6, FEW_V6)


@given(PAIRS | V4.map(lambda a: (a, a)), PORTS, PORTS)
def test_both_directions_have_the_same_ends(
    addresses: tuple[str, str], source: int, target: int
) -> None:
    one, two = (addresses[0], source), (addresses[1], target)
    there = segment(ip(one[0], two[0], tcp(one, two, 1)))
    back = segment(ip(two[0], one[0], tcp(two, one, 1)))
    numbers = [(int(ipaddress.ip_address(end[0])), end[1]) for end in (one, two)]
    a, b = sorted(numbers)
    for row in (there, back):
        assert (row["a_hi"] << 64 | row["a_lo"], row["ports"] >> 16) == a
        assert (row["b_hi"] << 64 | row["b_lo"], row["ports"] & 0xFFFF) == b
    assert there["hash"] == back["hash"]
    assert there["direction"] == (numbers[0] > numbers[1])
    assert back["direction"] == (numbers[1] > numbers[0])


@given(PAIRS, PORTS, PORTS)
def test_the_hash_is_multilinear(
    addresses: tuple[str, str], source: int, target: int
) -> None:
    one, two = (addresses[0], source), (addresses[1], target)
    row = segment(ip(one[0], two[0], tcp(one, two, 1)))
    words = [0, row["context"] >> 16, row["context"] & 0xFFFF]
    words += [row["ports"] >> 16, row["ports"] & 0xFFFF]
    for shifts in ((16, 0), (48, 32)):
        for end in ("a_lo", "b_lo"):
            words += [row[end] >> shift & 0xFFFF for shift in shifts]
    for end in ("a_hi", "b_hi"):
        words += [row[end] >> shift & 0xFFFF for shift in (48, 32, 16, 0)]
    total = KEYS[0] + sum(k * w for k, w in zip(KEYS, words, strict=True))
    assert row["hash"] == total & (1 << 44) - 1


def test_hashes_differ_by_key() -> None:
    frame = packet()
    found = set()
    for n in range(50):
        segments = Segments(1)
        keys = [key ^ n for key in KEYS]
        Decoder(keys).decode(batch_of([frame]), segments, 0)
        found.add(segments.row(0)["hash"])
    assert len(found) == 50


@pytest.mark.parametrize(
    "keys", [KEYS[:-1], [*KEYS[:-1], 1 << 44], [*KEYS[:-1], -1], []]
)
def test_keys_must_be_enough_and_in_range(keys: list[int]) -> None:
    with pytest.raises(ValueError, match="hash key"):
        Decoder(keys)


def sums(source: str, target: str, size: int) -> tuple[int, int]:
    """Return the folded sums of the pseudo-header with and without the length."""
    a = ipaddress.ip_address(source).packed + ipaddress.ip_address(target).packed
    folded = []
    for length in (size, 0):
        octets = a + struct.pack(">II", length, 6)
        total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        folded.append(total)
    return folded[0], folded[1]


ENDS = [
    pytest.param(A, B, id="IPv4"),
    pytest.param(("0.0.0.0", 1025), ("0.0.0.0", 80), id="IPv4, zero"),
    pytest.param(("255.255.255.255", 1025), ("255.255.255.255", 80), id="IPv4, ones"),
    pytest.param(("::", 1025), ("::", 80), id="IPv6, zero"),
    pytest.param(("ff" * 2 + ":ffff" * 7, 1025), ("::1", 80), id="IPv6, ones"),
    pytest.param(("2001:db8::1", 1025), ("ff80::1:2:3:4", 80), id="IPv6"),
]


@pytest.mark.parametrize(("source", "target"), ENDS)
@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 1459, 1460])
def test_checksums(source: tuple[str, int], target: tuple[str, int], size: int) -> None:
    payload = bytes(n * 7 & 0xFF for n in range(size))
    whole = tcp(source, target, 7, payload, ack=9)
    full, without_length = sums(source[0], target[0], len(whole))

    def verdict(field: int) -> int:
        spoilt = whole[:16] + struct.pack(">H", field) + whole[18:]
        return int(segment(ip(source[0], target[0], spoilt))["checksum"])

    (right,) = struct.unpack_from(">H", whole, 16)
    assert verdict(right) == 1
    unfilled = {0, full, full ^ 0xFFFF, without_length, without_length ^ 0xFFFF}
    for field in unfilled - {right}:
        assert verdict(field) == 3
    for field in (right ^ 1, right ^ 0x8000, right ^ 0xFF):
        assert verdict(field) == (3 if field in unfilled else 2)
    # Nothing that is written there is an error.
    for field in (0x0000, 0x0001, 0x7FFF, 0xFFFE, 0xFFFF):
        assert verdict(field) in (1, 2, 3)


@pytest.mark.parametrize(("source", "target"), ENDS)
@pytest.mark.parametrize("shift", range(4))
def test_checksums_do_not_depend_on_the_place_in_the_buffer(
    source: tuple[str, int], target: tuple[str, int], shift: int
) -> None:
    frames = [b"\0" * shift]
    for size in range(40):
        payload = bytes(n * 11 + size & 0xFF for n in range(size))
        frames.append(ip(source[0], target[0], tcp(source, target, 7, payload)))
        frames.append(
            ip(source[0], target[0], tcp(source, target, 7, payload, sum_xor=0x101))
        )
    assert [row["checksum"] for row in rows(batch_of(frames))] == [1, 2] * 40


def test_checksums_may_be_left_alone() -> None:
    row = read(packet()[:-1] + b"x", verify_checksums=False)
    assert isinstance(row, dict) and row["checksum"] == 0


def test_a_row_does_not_remember_the_one_before() -> None:
    reader = Reader()
    everything = mss(1400) + sack_permitted() + timestamps(3, 4) + sack((5, 6))
    reader.read(packet(padded(b"\x01" + window_scale(3) + everything)))
    assert reader.read(packet()) == segment(packet())
