"""What a capture says besides packets is kept for its reader, within bounds."""

import io
import struct

import pytest

from tests.sources.writing import (
    SHB,
    block,
    enhanced,
    interface,
    option,
    read_all,
    section,
    simple,
)
from unpacket import sources

NAME = "<BytesIO>"
BEGINNING = section("<") + interface("<")


def notes_of(data: bytes, batch_frames: int = 2048) -> sources.Notes:
    with sources.open(io.BytesIO(data), batch_frames=batch_frames) as source:
        read_all(source)
        return source.notes


def statistics(order: str, number: int, *options: tuple[int, int]) -> bytes:
    octets = b"".join(
        option(order, code, struct.pack(order + "Q", count)) for code, count in options
    )
    head = struct.pack(order + "III", number, 0, 7)
    return block(order, 5, head + octets + option(order, 0, b""))


def resolution(order: str, *records: tuple[int, bytes]) -> bytes:
    octets = b"".join(option(order, kind, value) for kind, value in records)
    return block(order, 4, octets + option(order, 0, b""))


def secrets(order: str, kind: int, data: bytes) -> bytes:
    return block(order, 10, struct.pack(order + "II", kind, len(data)) + data)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("batch_frames", [1, 2048])
def test_comments_say_what_they_are_about(order: str, batch_frames: int) -> None:
    head = struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)
    data = block(order, SHB, head + option(order, 1, b"a rainy day"))
    data += interface(order, options=option(order, 1, b"the uplink"))
    data += enhanced(order, 0, 1, b"plain", 5)
    data += simple(order, b"simple", 6)
    two = option(order, 2, b"\0\0\0\1") + option(order, 1, b"odd")
    two += option(order, 1, "größer".encode())
    data += enhanced(order, 0, 1, b"xyz", 3, two + option(order, 0, b""))
    data += enhanced(order, 0, 1, b"flags", 5, option(order, 2, b"\0\0\0\1"))
    assert notes_of(data, batch_frames).comments == [
        ("a rainy day", None, None, NAME),
        ("the uplink", None, 0, NAME),
        ("odd", 3, None, NAME),
        ("größer", 3, None, NAME),
    ]


@pytest.mark.parametrize("order", "<>")
def test_names_are_kept_by_address(order: str) -> None:
    v4 = bytes([192, 0, 2, 1])
    v6 = bytes.fromhex("20010db8000000000000000000000001")
    data = section(order) + interface(order)
    data += resolution(
        order, (1, v4 + b"a.example\0b.example\0"), (2, v6 + b"c.example\0")
    )
    data += resolution(order, (1, v4 + b"a.example\0"), (9, b"other"), (1, v4))
    assert notes_of(data).names == {
        "192.0.2.1": ["a.example", "b.example"],
        "2001:db8::1": ["c.example"],
    }


@pytest.mark.parametrize("order", "<>")
def test_secrets_are_kept_as_they_are(order: str) -> None:
    data = section(order) + secrets(order, 0x544C534B, b"CLIENT_RANDOM 1 2\n")
    data += secrets(order, 0x12345678, b"abc")
    assert notes_of(data).secrets == [
        ("tls", b"CLIENT_RANDOM 1 2\n"),
        ("0x12345678", b"abc"),
    ]


@pytest.mark.parametrize("order", "<>")
def test_statistics_and_what_they_say_was_lost(order: str) -> None:
    data = section(order) + interface(order) + interface(order)
    data += statistics(order, 0, (4, 100), (5, 1), (7, 2))
    data += statistics(order, 1, (4, 50), (8, 49))
    data += statistics(order, 0, (4, 200), (5, 3), (7, 4))
    notes = notes_of(data)
    assert [tuple(row) for row in notes.statistics] == [
        (0, 7000, 100, 1, None, 2, None, NAME),
        (1, 7000, 50, None, None, None, 49, NAME),
        (0, 7000, 200, 3, None, 4, None, NAME),
    ]
    # Counts are since the beginning, for each interface of each section.
    assert notes.dropped == 7
    assert notes.drops == [(NAME, 0, 0, "", 7)]
    twice = notes_of(data + data)
    assert twice.dropped == 14
    assert twice.drops == [(NAME, 0, 0, "", 7), (NAME, 1, 0, "", 7)]


def test_nothing_is_known_of_losses_where_nothing_is_said() -> None:
    assert notes_of(BEGINNING + enhanced("<", 0, 1, b"abc", 3)).dropped is None
    assert notes_of(BEGINNING + statistics("<", 0, (4, 9))).dropped is None


def test_packets_say_what_was_lost_before_them() -> None:
    lost = option("<", 4, struct.pack("<Q", 3)) + option("<", 0, b"")
    data = BEGINNING + enhanced("<", 0, 1, b"abc", 3, lost) * 2
    assert notes_of(data).dropped == 6
    assert notes_of(data).drops == [(NAME, 0, None, "", 6)]

    def old(drops: int) -> bytes:
        fields = struct.pack("<HHIIII", 0, drops, 0, 1, 4, 4)
        return block("<", 2, fields + b"abcd")

    assert notes_of(BEGINNING + old(2) + old(0xFFFF) + old(5)).dropped == 7
    assert notes_of(BEGINNING + old(0xFFFF)).dropped is None


@pytest.mark.parametrize("kind", [4, 5, 10])
@pytest.mark.parametrize("size", range(0, 40, 4))
@pytest.mark.parametrize("octet", [b"\0", b"\1", b"\x05", b"\xff"])
def test_damaged_blocks_are_no_notes(kind: int, size: int, octet: bytes) -> None:
    data = BEGINNING + block("<", kind, octet * size) + enhanced("<", 0, 1, b"abc", 3)
    with sources.open(io.BytesIO(data)) as source:
        assert len(read_all(source)) == 1


def test_notes_have_a_bound() -> None:
    comment = option("<", 1, b"x" * 60_000) + option("<", 0, b"")
    data = BEGINNING + enhanced("<", 0, 1, b"abc", 3, comment) * 400
    notes = notes_of(data)
    assert sum(len(comment.text) for comment in notes.comments) < 17 << 20
    assert len(notes.comments) + notes.left_out == 400
    assert notes.left_out > 0
