"""A capture that is damaged in the middle goes on at the next record."""

import io
import struct
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.writing import (
    Frame,
    enhanced,
    interface,
    pcap_header,
    pcap_record,
    read_all,
    section,
)
from unpacket.errors import FormatError
from unpacket.sources import open as open_capture

START_S = 1_700_000_000
FORMS = ("pcap <", "pcap >", "pcapng <", "pcapng >")


def pieces_of(form: str, count: int, size: int = 60) -> list[bytes]:
    """Return a header and records, each with a payload of its own."""
    kind, order = form.split()
    payloads = [bytes([number % 251]) * size for number in range(count)]
    if kind == "pcap":
        records = [
            pcap_record(order, START_S + number, number, payload, size)
            for number, payload in enumerate(payloads)
        ]
        return [pcap_header(order), *records]
    blocks = [
        enhanced(order, 0, (START_S + number) * 1_000_000, payload, size)
        for number, payload in enumerate(payloads)
    ]
    return [section(order) + interface(order), *blocks]


def length_at(form: str) -> int:
    """Return where in a record a length stands that others depend on."""
    return 8 if form.startswith("pcap ") else 4


def spoiled(form: str, record: bytes, length: int) -> bytes:
    """Return a record that claims another length."""
    at = length_at(form)
    field = struct.pack(form[-1] + "I", length)
    return record[:at] + field + record[at + 4 :]


def read(octets: bytes, *, strict: bool = False) -> tuple[list[Frame], list[str]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = open_capture(io.BytesIO(octets), strict=strict)
        frames = read_all(source)
    return frames, [warning.reason for warning in source.warnings]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("length", [0x7FFF_0000, 900_000, 3])
@pytest.mark.parametrize("number", [2, 7, 18])
def test_one_damaged_record_costs_no_other(form: str, length: int, number: int) -> None:
    if length == 3 and form.startswith("pcap "):
        length = 0xFFFF_FFFF
    header, *records = pieces_of(form, 20)
    whole, _ = read(b"".join([header, *records]))
    records[number] = spoiled(form, records[number], length)
    frames, reasons = read(b"".join([header, *records]))
    assert frames == whole[:number] + whole[number + 1 :]
    (reason,) = reasons
    size = len(records[number])
    assert reason.endswith(f"; {size} bytes are passed over from there")


@pytest.mark.parametrize("form", FORMS)
def test_bytes_that_are_no_records_are_passed_over(form: str) -> None:
    header, *records = pieces_of(form, 20)
    whole, _ = read(b"".join([header, *records]))
    junk = bytes(range(256)) * 12_000
    frames, reasons = read(b"".join([header, *records[:9], junk, *records[9:]]))
    assert frames == whole
    assert len(reasons) == 1


@pytest.mark.parametrize("form", FORMS)
def test_several_places_are_reported_each(form: str) -> None:
    header, *records = pieces_of(form, 40)
    for number in (5, 15, 25):
        records[number] = spoiled(form, records[number], 0x7FFF_0000)
    frames, reasons = read(b"".join([header, *records]))
    assert len(frames) == 37
    assert len(reasons) == 3


@pytest.mark.parametrize("form", FORMS)
def test_who_reads_strictly_reads_no_further(form: str) -> None:
    header, *records = pieces_of(form, 20)
    records[5] = spoiled(form, records[5], 0x7FFF_0000)
    with pytest.raises(FormatError) as caught:
        read(b"".join([header, *records]), strict=True)
    assert caught.value.offset == len(header) + sum(map(len, records[:5]))


@pytest.mark.parametrize("form", FORMS)
def test_where_nothing_follows_it_says_how_much_was_not_read(form: str) -> None:
    header, *records = pieces_of(form, 20)
    junk = spoiled(form, records[5], 0x7FFF_0000)[:24] + b"\xee" * 5000
    frames, reasons = read(b"".join([header, *records[:5], junk]))
    assert len(frames) == 5
    (reason,) = reasons
    assert reason.endswith(f"{len(junk)} bytes from there on were not read")


@pytest.mark.parametrize("form", FORMS)
def test_damage_everywhere_ends_the_reading(form: str) -> None:
    header, *records = pieces_of(form, 1000)
    bad = spoiled(form, records[0], 0x7FFF_0000)
    parts = [part for record in records for part in (record, record, record, bad)]
    frames, reasons = read(b"".join([header, *parts]))
    assert 0 < len(frames) <= 400
    assert len(reasons) <= 101


@pytest.mark.parametrize("form", FORMS)
@given(
    st.integers(0, 2000),
    st.binary(min_size=1, max_size=40),
    st.integers(1, 2048),
)
def test_no_damage_is_an_error(
    form: str, at: int, other: bytes, batch_frames: int
) -> None:
    """Frames before the damage are as they were, whatever it is."""
    header, *records = pieces_of(form, 20)
    octets = b"".join([header, *records])
    at = len(header) + at % (len(octets) - len(header))
    damaged = octets[:at] + other + octets[at + len(other) :]
    whole, _ = read(octets)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = open_capture(io.BytesIO(damaged), batch_frames=batch_frames)
        frames = read_all(source)
    before = (at - len(header)) // len(records[0])
    assert frames[:before] == whole[:before]
