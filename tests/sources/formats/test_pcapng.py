"""What pcapng captures may be, apart from what any capture may be."""

import io
import struct

import pytest

from tests.sources.writing import (
    SHB,
    block,
    enhanced,
    interface,
    obsolete,
    option,
    read_all,
    section,
    simple,
)
from unpacket import sources
from unpacket.errors import CaptureWarning, FormatError

BEGINNING = section("<") + interface("<")
GOOD = enhanced("<", 0, 1, b"good", 4)


def test_interfaces_say_what_they_are() -> None:
    options = option("<", 2, b"eth0\0") + option("<", 13, b"\x04")
    data = section("<") + interface("<", 113, 96, options=options) + interface("<", 1)
    with sources.open(io.BytesIO(data)) as source:
        assert list(source) == []
        assert source.interfaces == (
            sources.Interface("eth0", 113, 96, 4),
            sources.Interface("", 1, 0, None),
        )


def test_a_section_forgets_the_interfaces_of_the_one_before() -> None:
    data = BEGINNING + GOOD + section(">") + GOOD
    with pytest.warns(CaptureWarning):
        assert len(read_all(sources.open(io.BytesIO(data)))) == 1


def test_options_of_a_packet_are_no_part_of_it() -> None:
    options = option("<", 1, b"seen before") + option("<", 0, b"")
    data = BEGINNING + enhanced("<", 0, 1, b"12345", 5, options) + GOOD
    frames = read_all(sources.open(io.BytesIO(data)))
    assert [frame.data for frame in frames] == [b"12345", b"good"]


def test_a_packet_without_a_time_has_that_of_the_one_before() -> None:
    data = BEGINNING + simple("<", b"a", 1) + enhanced("<", 0, 7, b"b", 1)
    data += simple("<", b"c", 1) + section("<") + interface("<") + simple("<", b"d", 1)
    frames = read_all(sources.open(io.BytesIO(data)))
    assert [frame.time_ns for frame in frames] == [0, 7000, 7000, 0]


def test_a_simple_packet_is_cut_at_the_snap_length() -> None:
    data = section("<") + interface("<", snaplen=5) + simple("<", b"12345", 99)
    frames = read_all(sources.open(io.BytesIO(data)))
    assert [(frame.data, frame.original) for frame in frames] == [(b"12345", 99)]


def test_custom_blocks_count_as_wireshark_counts_them() -> None:
    custom = block("<", 0xBAD, b"PEN and data")
    private = block("<", 0x40000BAD, b"PEN and data")
    data = BEGINNING + custom + GOOD + GOOD + private + custom + GOOD
    numbers = [
        batch.frame(n)[0]
        for batch in sources.open(io.BytesIO(data))
        for n in range(len(batch))
    ]
    assert numbers == [2, 3, 6]


def test_a_block_of_any_type_and_size_is_passed_over() -> None:
    data = BEGINNING + GOOD + block("<", 0x0BADCAFE, bytes(3 << 20)) + GOOD
    assert len(read_all(sources.open(io.BytesIO(data)))) == 2


def test_a_length_that_is_not_a_multiple_of_four_is_taken() -> None:
    body = struct.pack("<5I", 0, 0, 1, 2, 2) + b"ab"
    total = struct.pack("<I", len(body) + 12)
    odd = struct.pack("<I", 6) + total + body + total
    frames = read_all(sources.open(io.BytesIO(BEGINNING + odd + GOOD)))
    assert [frame.data for frame in frames] == [b"ab", b"good"]


def wrong_end(data: bytes) -> bytes:
    return data[:-4] + struct.pack("<I", len(data) + 4)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        pytest.param(enhanced("<", 1, 1, b"x", 1), "interface 1", id="no interface"),
        pytest.param(
            obsolete("<", 9, 1, b"x", 1), "interface 9", id="no interface, old"
        ),
        pytest.param(
            block("<", 6, struct.pack("<5I", 0, 0, 0, 5, 5) + b"1234"),
            "says that it holds 5 bytes",
            id="longer than its block",
        ),
        pytest.param(
            block("<", 2, struct.pack("<HH4I", 0, 0, 0, 0, 99, 99)),
            "says that it holds 99 bytes",
            id="longer than its block, old",
        ),
        pytest.param(
            enhanced("<", 0, 1, bytes((1 << 20) + 1), 1),
            "says that it holds 1048577 bytes",
            id="longer than any frame",
        ),
        pytest.param(
            simple("<", bytes((1 << 20) + 4), 1 << 21), "1048580", id="too long, simple"
        ),
        pytest.param(block("<", 6, b"1234"), "type 6 says", id="too short a packet"),
        pytest.param(
            block("<", 1, b"1234"), "type 1 says", id="too short an interface"
        ),
        pytest.param(
            struct.pack("<III", 4, 8, 8), "type 4 says", id="too short a block"
        ),
        pytest.param(
            struct.pack("<III", 4, 0xFFFFFFF0, 0), "4294967280", id="too long a block"
        ),
        pytest.param(
            struct.pack("<II", 6, (1 << 21) + 4),
            "type 6 says",
            id="too long for a packet",
        ),
        pytest.param(wrong_end(GOOD), "by its end", id="two lengths"),
        pytest.param(
            wrong_end(block("<", 4, b"")), "by its end", id="two lengths, other"
        ),
        pytest.param(section("<", (2, 0)), "version 2.0", id="another version"),
        pytest.param(
            block("<", SHB, b"1234" + bytes(20)), "magic 31323334", id="no byte order"
        ),
        pytest.param(
            block("<", SHB, b"\x4d\x3c\x2b\x1a"), "says that it has 16", id="no version"
        ),
    ],
)
def test_damage(damage: bytes, reason: str) -> None:
    front = BEGINNING + GOOD
    source = sources.open(io.BytesIO(front + damage + GOOD))
    # What is in a section without a header is unknown.
    lost = damage.startswith(struct.pack("<I", SHB))
    with pytest.warns(CaptureWarning, match=reason):
        assert len(read_all(source)) == (1 if lost else 2)
    assert [warning.offset for warning in source.warnings] == [len(front)]


def test_a_long_packet() -> None:
    data = section("<") + interface("<", snaplen=1 << 22)
    data += enhanced("<", 0, 1, bytes(1 << 22), 1 << 22) + GOOD
    frames = read_all(sources.open(io.BytesIO(data)))
    assert [len(frame.data) for frame in frames] == [1 << 22, 4]


def test_a_simple_packet_needs_an_interface() -> None:
    source = sources.open(io.BytesIO(section("<") + simple("<", b"x", 1)))
    with pytest.warns(CaptureWarning, match="interface 0, which is not described"):
        assert read_all(source) == []


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(b"\x09", id="no room for an option"),
        pytest.param(struct.pack("<HH", 9, 99), id="longer than there is room"),
        pytest.param(
            option("<", 9, b"") + option("<", 14, b"123"), id="without values"
        ),
        pytest.param(option("<", 0, b"") + option("<", 9, b"\x09"), id="after the end"),
    ],
)
def test_damaged_options_are_as_none(options: bytes) -> None:
    data = section("<") + interface("<", options=b"") + b""
    body = struct.pack("<HHI", 1, 0, 0) + options
    data = section("<") + block("<", 1, body) + GOOD
    assert [frame.time_ns for frame in read_all(sources.open(io.BytesIO(data)))] == [
        1000
    ]


def test_not_a_first_section() -> None:
    with pytest.raises(FormatError, match="magic"):
        sources.open(io.BytesIO(block("<", SHB, bytes(16))))


def test_interfaces_have_a_bound() -> None:
    data = section("<") + interface("<") * 70_000
    with pytest.warns(CaptureWarning, match="more than 65536 interfaces"):
        assert read_all(sources.open(io.BytesIO(data))) == []


@pytest.mark.parametrize("batch_frames", [1, 2, 3, 2048])
def test_each_packet_has_its_interface(batch_frames: int) -> None:
    """Also where the second one is described after a packet of the first."""
    blocks = [enhanced("<", number, 0, b"x", 1) for number in (0, 1, 1, 1, 1)]
    late = [section("<"), interface("<"), blocks[0], interface("<"), *blocks[1:]]
    again = [section("<"), interface("<"), blocks[0]]
    seen = []
    with sources.open(
        io.BytesIO(b"".join(late + again)), batch_frames=batch_frames
    ) as source:
        for batch in source:
            if batch.has_interfaces:
                seen += list(batch.interface[: len(batch)])
            else:
                seen += [0] * len(batch)
    assert seen == [0, 1, 1, 1, 1, 0]
