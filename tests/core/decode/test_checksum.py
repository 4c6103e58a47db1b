"""The Internet checksum agrees with its definition, wherever the bytes lie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unpacket._core.decode.checksum import ones_sum
from unpacket._core.decode.packet import Packet


def model(octets: bytes) -> int:
    """Return the ones' complement sum as RFC 1071 section 1 defines it."""
    octets += bytes(len(octets) % 2)
    total = 0
    for at in range(0, len(octets), 2):
        total += octets[at] << 8 | octets[at + 1]
        total = (total & 0xFFFF) + (total >> 16)
    return total


def sum_of(octets: bytes, start: int, stop: int) -> int:
    packet = Packet(True)
    packet.attach(octets, -1)
    return ones_sum(packet, start, stop)


@pytest.mark.parametrize("start", range(9))
@pytest.mark.parametrize("tail", range(3))
def test_agrees_with_the_definition_at_every_alignment(start: int, tail: int) -> None:
    for size in range(70):
        octets = bytes(n * 37 + start & 0xFF for n in range(start + size + tail))
        total = sum_of(octets, start, start + size)
        assert (total - model(octets[start : start + size])) % 0xFFFF == 0


@given(st.binary(max_size=3000), st.integers(0, 9), st.integers(0, 9))
def test_agrees_with_the_definition(octets: bytes, skip: int, rest: int) -> None:
    stop = max(len(octets) - rest, 0)
    total = sum_of(octets, skip, stop)
    assert (total - model(octets[skip:stop])) % 0xFFFF == 0


@pytest.mark.parametrize("skip", [0, 1])
def test_does_not_overflow(skip: int) -> None:
    octets = b"\xff" * 300_001
    total = sum_of(octets, skip, len(octets))
    assert total % 0xFFFF == model(octets[skip:]) % 0xFFFF
    # So that a caller may add others to it.
    assert 0 < total < 1 << 56


@given(st.binary(max_size=20), st.integers(-30, 30), st.integers(-30, 30))
def test_what_is_outside_of_the_data_counts_as_zero(
    octets: bytes, start: int, stop: int
) -> None:
    low, high = max(start, 0), min(stop, len(octets))
    total = sum_of(octets, start, stop)
    assert (total - model(octets[low:high] if low < high else b"")) % 0xFFFF == 0


def test_only_zeros_sum_to_zero() -> None:
    assert sum_of(bytes(40), 3, 40) == 0
    assert sum_of(b"\xff\xff" * 20, 0, 40) > 0
