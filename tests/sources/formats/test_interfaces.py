"""Ticks of any interface become nanoseconds, by the format's own words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.strategies import LATEST_NS, nanoseconds_of, ticks_of_time
from unpacket.sources.formats.interfaces import MAX_INTERFACES, Interfaces


@given(
    ticks_of_time,
    st.integers(0, 255),
    st.one_of(st.integers(-100_000, 100_000), st.integers(-(1 << 63), (1 << 63) - 1)),
)
def test_agrees_with_fractions(ticks: int, resolution: int, offset_s: int) -> None:
    interfaces = Interfaces()
    interfaces.add(1, 0, 0, resolution, offset_s)
    wanted = nanoseconds_of(ticks, resolution, offset_s)
    assert interfaces.time_ns(0, ticks) == wanted


@pytest.mark.parametrize(
    ("resolution", "offset_s", "ticks", "time_ns"),
    [
        pytest.param(6, 0, 1_500_000, 1_500_000_000, id="microseconds"),
        pytest.param(9, 0, 7, 7, id="nanoseconds"),
        pytest.param(3, 0, 7, 7_000_000, id="milliseconds"),
        pytest.param(0, 0, 7, 7_000_000_000, id="seconds"),
        pytest.param(12, 0, 7_999, 7, id="picoseconds, rounded down"),
        pytest.param(28, 0, (1 << 64) - 1, 1, id="the last power of ten that counts"),
        pytest.param(29, 0, (1 << 64) - 1, 0, id="ticks too short to count"),
        pytest.param(127, 0, (1 << 64) - 1, 0, id="the shortest decimal tick"),
        pytest.param(0x80 | 10, 0, 1536, 1_500_000_000, id="2**-10 s"),
        pytest.param(0x80, 0, 5, 5_000_000_000, id="2**0 s"),
        pytest.param(0x80 | 64, 0, 1 << 63, 500_000_000, id="2**-64 s"),
        pytest.param(0x80 | 127, 0, (1 << 64) - 1, 0, id="the shortest binary tick"),
        pytest.param(6, 10, 1, 10_000_001_000, id="later"),
        pytest.param(6, -10, 1, -9_999_999_000, id="before the epoch"),
        pytest.param(0, 0, (1 << 64) - 1, LATEST_NS, id="too late"),
        pytest.param(0x80, 0, (1 << 64) - 1, LATEST_NS, id="too late, binary"),
        pytest.param(6, 1 << 62, 5, LATEST_NS, id="moved too late"),
        pytest.param(6, -(1 << 62), 0, -LATEST_NS, id="moved too early"),
    ],
)
def test_counts_time(resolution: int, offset_s: int, ticks: int, time_ns: int) -> None:
    interfaces = Interfaces()
    interfaces.add(1, 0, 0, resolution, offset_s)
    assert interfaces.time_ns(0, ticks) == time_ns


def test_keeps_many_apart() -> None:
    interfaces = Interfaces()
    for number in range(300):
        interfaces.add(number, number + 1, number + 2, 9, number)
    assert interfaces.count == 300
    assert [interfaces.link_type[n] for n in range(300)] == list(range(300))
    assert interfaces.snaplen[299] == 300
    assert interfaces.longest[299] == 301
    assert interfaces.time_ns(299, 1) == 299 * 10**9 + 1


def test_there_is_a_most() -> None:
    interfaces = Interfaces()
    for _ in range(MAX_INTERFACES):
        interfaces.add(1, 0, 0, 6, 0)
    with pytest.raises(ValueError):
        interfaces.add(1, 0, 0, 6, 0)
