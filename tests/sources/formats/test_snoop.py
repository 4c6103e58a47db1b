"""What snoop captures may be, apart from what any capture may be."""

import io

import pytest

from tests.sources.writing import read_all, snoop_header, snoop_record
from unpacket import sources
from unpacket.errors import CaptureWarning, FormatError


@pytest.mark.parametrize(
    ("data_link", "link_type"),
    [
        pytest.param(0, 1, id="IEEE 802.3"),
        pytest.param(2, 6, id="token ring"),
        pytest.param(4, 1, id="Ethernet"),
        pytest.param(8, 10, id="FDDI"),
        pytest.param(17, 0xFFFF, id="what is not known"),
    ],
)
def test_the_data_link_is_a_link_type(data_link: int, link_type: int) -> None:
    data = snoop_header(data_link) + snoop_record(1, 5, b"abc", 9)
    with sources.open(io.BytesIO(data)) as source:
        assert read_all(source) == [(1_000_005_000, link_type, 9, b"abc")]
        assert source.interfaces == (sources.Interface("", link_type, 0, None),)


def test_another_version_is_not_read() -> None:
    with pytest.raises(FormatError, match="version 3"):
        sources.open(io.BytesIO(snoop_header(version=3)))


def test_losses_are_told() -> None:
    data = snoop_header() + snoop_record(1, 0, b"a", 1, 3)
    data += snoop_record(1, 0, b"b", 1, 5)
    with sources.open(io.BytesIO(data)) as source:
        assert source.notes.dropped is None
        assert len(read_all(source)) == 2
        assert source.notes.dropped == 5


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        pytest.param(
            b"\0\0\0\1\x7f\0\0\0\0\0\0\x20" + bytes(40), "holds 2130706432", id="long"
        ),
        pytest.param(
            b"\0\0\0\1\0\0\0\1\0\0\0\x18" + bytes(40), "record of 24", id="no room"
        ),
        pytest.param(
            b"\0\0\0\1\0\0\0\1\x7f\0\0\0" + bytes(40), "record of", id="long record"
        ),
    ],
)
def test_damage_ends_the_capture(record: bytes, reason: str) -> None:
    data = snoop_header() + snoop_record(1, 0, b"good", 4) + record
    with pytest.warns(CaptureWarning, match=reason):
        assert len(read_all(sources.open(io.BytesIO(data)))) == 1
