"""Formats are told by their first bytes, and those not read are named."""

import io
import struct

import pytest

from tests.sources.writing import pcap_header
from unpacket import sources
from unpacket.errors import FormatError


def erf(seconds: int, length: int, kind: int = 2) -> bytes:
    head = struct.pack("<II", 0, seconds) + struct.pack(
        ">BBHHH", kind, 4, length, 0, length - 18
    )
    return head + bytes(length - len(head))


@pytest.mark.parametrize(
    ("beginning", "reason"),
    [
        pytest.param(b"", "it is empty", id="empty"),
        pytest.param(b"\xa1", "not a capture: it begins with a1", id="one byte"),
        pytest.param(b"%PDF-1.7", "it begins with 25 50 44 46", id="not a capture"),
        pytest.param(bytes(100), "it begins with 00 00 00 00", id="zeros"),
        pytest.param(b"\x4d\x3c\x2b\xa1", "Navtel", id="Navtel"),
        pytest.param(b"btsnoop\0", "Bluetooth", id="btsnoop"),
        pytest.param(b"GMBU\0\2", "Network Monitor", id="Network Monitor"),
        pytest.param(b"TRSNIFF data    \x1a", "Sniffer", id="Sniffer"),
        pytest.param(b"iptrace 2.0\0", "iptrace", id="iptrace"),
        pytest.param(b"PK\x03\x04", "zip", id="zip"),
        pytest.param(erf(1_700_000_000, 80), "ERF", id="one ERF record"),
        pytest.param(
            erf(1_700_000_000, 80) + erf(1_700_000_001, 1500, 0x82) + b"cut",
            "ERF",
            id="ERF records",
        ),
        pytest.param(
            erf(1_700_000_000, 80) + erf(17, 1500), "not a capture", id="not quite ERF"
        ),
    ],
)
def test_what_is_not_read_is_named(beginning: bytes, reason: str) -> None:
    with pytest.raises(FormatError, match=reason) as caught:
        sources.open(io.BytesIO(beginning))
    assert caught.value.offset == 0
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("length", range(4, 24))
def test_a_cut_header_is_an_error(length: int) -> None:
    with pytest.raises(FormatError, match=f"cut after {length} of 24 bytes"):
        sources.open(io.BytesIO(pcap_header("<")[:length]))
