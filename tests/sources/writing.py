"""Writes captures, and nothing but the formats' own words: the tests' opposite side."""

import struct
from collections.abc import Iterable
from typing import NamedTuple

from unpacket.sources import Source

SHB = 0x0A0D0D0A


class Frame(NamedTuple):
    """What is to be read of a frame, apart from its number."""

    time_ns: int
    link_type: int
    original: int
    data: bytes


class Piece(NamedTuple):
    """A header, record or block of a capture, and the frame that it holds."""

    data: bytes
    frame: Frame | None


def pcap_header(
    order: str,
    *,
    nanoseconds: bool = False,
    version: tuple[int, int] = (2, 4),
    snaplen: int = 262_144,
    link_word: int = 1,
) -> bytes:
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    return struct.pack(order + "IHHiIII", magic, *version, 0, 0, snaplen, link_word)


def pcap_record(
    order: str, seconds: int, fraction: int, data: bytes, original: int
) -> bytes:
    return struct.pack(order + "IIII", seconds, fraction, len(data), original) + data


def modified_record(
    order: str, seconds: int, fraction: int, data: bytes, original: int, size: int
) -> bytes:
    """Return a record of Kuznetzov's pcap, whose header has ``size`` bytes."""
    head = struct.pack(order + "IIII", seconds, fraction, len(data), original)
    return head + bytes(size - 16) + data


def snoop_header(data_link: int = 4, version: int = 2) -> bytes:
    return b"snoop\0\0\0" + struct.pack(">II", version, data_link)


def snoop_record(
    seconds: int, fraction: int, data: bytes, original: int, lost: int = 0
) -> bytes:
    padding = bytes(-len(data) % 4)
    fields = (original, len(data), 24 + len(data) + len(padding), lost)
    return struct.pack(">6I", *fields, seconds, fraction) + data + padding


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    total = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + total + body + total


def option(order: str, code: int, value: bytes) -> bytes:
    padding = bytes(-len(value) % 4)
    return struct.pack(order + "HH", code, len(value)) + value + padding


def section(order: str, version: tuple[int, int] = (1, 0)) -> bytes:
    return block(order, SHB, struct.pack(order + "IHHq", 0x1A2B3C4D, *version, -1))


def interface(
    order: str,
    link_type: int = 1,
    snaplen: int = 0,
    resolution: int | None = None,
    offset_s: int | None = None,
    options: bytes = b"",
) -> bytes:
    if resolution is not None:
        options += option(order, 9, bytes([resolution]))
    if offset_s is not None:
        options += option(order, 14, struct.pack(order + "q", offset_s))
    if options:
        options += option(order, 0, b"")
    return block(order, 1, struct.pack(order + "HHI", link_type, 0, snaplen) + options)


def enhanced(
    order: str,
    number: int,
    ticks: int,
    data: bytes,
    original: int,
    options: bytes = b"",
) -> bytes:
    fields = (number, ticks >> 32, ticks & 0xFFFFFFFF, len(data), original)
    padding = bytes(-len(data) % 4)
    return block(
        order, 6, struct.pack(order + "5I", *fields) + data + padding + options
    )


def obsolete(order: str, number: int, ticks: int, data: bytes, original: int) -> bytes:
    fields = (number, 0, ticks >> 32, ticks & 0xFFFFFFFF, len(data), original)
    return block(order, 2, struct.pack(order + "HH4I", *fields) + data)


def simple(order: str, data: bytes, original: int) -> bytes:
    return block(order, 3, struct.pack(order + "I", original) + data)


def joined(pieces: Iterable[Piece]) -> bytes:
    return b"".join(piece.data for piece in pieces)


def frames_of(pieces: Iterable[Piece]) -> list[Frame]:
    return [piece.frame for piece in pieces if piece.frame is not None]


def read_all(source: Source) -> list[Frame]:
    """Return all frames, after a look at their numbers."""
    frames = []
    number = 1
    for batch in source:
        for index in range(len(batch)):
            found, time_ns, link_type, original, data = batch.frame(index)
            assert found == number
            number += 1
            frames.append(Frame(time_ns, link_type, original, data))
    return frames
