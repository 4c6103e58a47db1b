"""What pcap captures may be, apart from what any capture may be."""

import io
import struct
import tracemalloc

import pytest

from tests.sources.writing import modified_record, pcap_header, pcap_record, read_all
from unpacket import sources
from unpacket.errors import CaptureWarning, FormatError


def test_the_word_of_the_link_type_holds_more() -> None:
    word = 2 << 28 | 1 << 26 | 113
    data = pcap_header(">", link_word=word, snaplen=96)
    data += pcap_record(">", 1, 0, b"x", 5)
    with sources.open(io.BytesIO(data)) as source:
        assert [frame.link_type for frame in read_all(source)] == [113]
        assert source.interfaces == (sources.Interface("", 113, 96, 4),)


def test_without_the_flag_the_length_of_the_check_sequence_is_not_known() -> None:
    data = pcap_header("<", link_word=2 << 28 | 1)
    source = sources.open(io.BytesIO(data))
    assert source.interfaces[0].fcs_bytes is None


@pytest.mark.parametrize(
    ("version", "first", "second", "original"),
    [
        pytest.param((2, 4), 3, 9, 9, id="2.4"),
        pytest.param((2, 2), 9, 3, 9, id="2.2 has them the other way round"),
        pytest.param((543, 0), 9, 3, 9, id="DG/UX too"),
        pytest.param((2, 3), 9, 3, 9, id="2.3 one way"),
        pytest.param((2, 3), 3, 9, 9, id="2.3 the other way"),
        pytest.param((2, 4), 3, 0, 3, id="original less than captured"),
    ],
)
def test_lengths(
    version: tuple[int, int], first: int, second: int, original: int
) -> None:
    data = pcap_header("<", version=version)
    data += (struct.pack("<IIII", 1, 0, first, second) + b"abc") * 2
    source = sources.open(io.BytesIO(data))
    found = [(frame.original, frame.data) for frame in read_all(source)]
    assert found == [(original, b"abc")] * 2


@pytest.mark.parametrize("version", [(1, 4), (3, 0), (0, 0)])
def test_another_version_is_not_read(version: tuple[int, int]) -> None:
    with pytest.raises(FormatError, match=f"version {version[0]}.{version[1]}"):
        sources.open(io.BytesIO(pcap_header("<", version=version)))


@pytest.mark.parametrize(
    ("snaplen", "length"),
    [
        pytest.param(65_535, 65_535, id="as long as the snap length"),
        pytest.param(96, 524_280, id="a segment before it is cut for the wire"),
        pytest.param(0, 1 << 20, id="one buffer long"),
        pytest.param(262_144, (1 << 20) - 16, id="with its header one buffer long"),
        pytest.param(1 << 23, 5_000_000, id="longer than a buffer"),
    ],
)
def test_long_frames(snaplen: int, length: int) -> None:
    payload = bytes(range(251)) * (length // 251 + 1)
    data = pcap_header("<", snaplen=snaplen)
    for part in (b"before", payload[:length], b"behind"):
        data += pcap_record("<", 1, 0, part, len(part))
    frames = read_all(sources.open(io.BytesIO(data)))
    assert [len(frame.data) for frame in frames] == [6, length, 6]
    assert frames[1].data == payload[:length]


@pytest.mark.parametrize(
    ("snaplen", "length"),
    [
        pytest.param(65_535, (1 << 20) + 1, id="over a mebibyte"),
        pytest.param(1 << 23, (1 << 23) + 1, id="over the snap length"),
        pytest.param((1 << 32) - 1, (1 << 28) + 1, id="over what anything has"),
        pytest.param(0, (1 << 32) - 1, id="the longest"),
    ],
)
def test_an_absurd_length_is_damage(snaplen: int, length: int) -> None:
    data = pcap_header("<", snaplen=snaplen) + pcap_record("<", 1, 0, b"good", 4)
    offset = len(data)
    data += struct.pack("<IIII", 1, 0, length, length) + bytes(5000)
    source = sources.open(io.BytesIO(data))
    with pytest.warns(CaptureWarning, match=f"{length} bytes"):
        assert [frame.data for frame in read_all(source)] == [b"good"]
    assert source.warnings[0].offset == offset


def test_damage_costs_no_memory() -> None:
    data = pcap_header("<", snaplen=(1 << 32) - 1)
    data += struct.pack("<IIII", 1, 0, 1 << 28, 1 << 28) + bytes(3 << 20)
    tracemalloc.start()
    try:
        with pytest.warns(CaptureWarning, match="a record is cut after"):
            assert read_all(sources.open(io.BytesIO(data))) == []
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5 * len(data)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("size", [24, 28])
def test_modified_captures_have_longer_headers(order: str, size: int) -> None:
    data = struct.pack(order + "I", 0xA1B2CD34) + pcap_header(order)[4:]
    for second in (1, 2, 3):
        data += modified_record(order, second, 5, b"abc", 9, size)
    found = read_all(sources.open(io.BytesIO(data)))
    assert found == [
        (second * 1_000_000_000 + 5000, 1, 9, b"abc") for second in (1, 2, 3)
    ]


def test_a_header_of_ixia_has_four_bytes_more() -> None:
    header = struct.pack("<I", 0x1C0001AC) + pcap_header("<")[4:]
    with pytest.raises(FormatError, match="cut after 26 of 28 bytes"):
        sources.open(io.BytesIO(header + bytes(2)))


@pytest.mark.parametrize(
    ("fraction", "time_ns"),
    [
        pytest.param(999_999, 1_999_999_000, id="microseconds"),
        pytest.param(1_000_000, 1_001_000_000, id="no microseconds"),
        pytest.param(999_999_999, 1_999_999_999, id="the most nanoseconds"),
        pytest.param(1_000_000_000, 1_001_000_000_000, id="neither"),
    ],
)
def test_nanoseconds_below_the_magic_number_of_microseconds(
    fraction: int, time_ns: int
) -> None:
    data = pcap_header("<") + struct.pack("<IIII", 1, fraction, 1, 1) + b"x"
    data += struct.pack("<IIII", 2, 5, 1, 1) + b"x"
    is_odd = 10**6 <= fraction < 10**9
    unit = 1 if is_odd else 1000
    for size in (len(data), 1):
        with sources.open(Trickle(data, size)) as source:
            if is_odd:
                with pytest.warns(CaptureWarning, match="taken for nanoseconds"):
                    frames = read_all(source)
            else:
                frames = read_all(source)
            assert [one.time_ns for one in frames] == [time_ns, 2 * 10**9 + 5 * unit]
            assert [one.offset for one in source.warnings] == [24] * is_odd
    if is_odd:
        with (
            sources.open(io.BytesIO(data), strict=True) as source,
            pytest.raises(FormatError),
        ):
            read_all(source)


class Trickle(io.BytesIO):
    """A file that gives so many bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self._size = size

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return super().readinto(buffer[: self._size])
