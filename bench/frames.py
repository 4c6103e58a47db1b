"""Ethernet frames of TCP, made fast enough to make millions in plain Python.

A checksum needs the sum of the payload's 16-bit words. Payload is always a slice of
a Text, whose sums are kept as running totals, so that any slice's sum is one
subtraction.
"""

import struct
import sys
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from random import Random

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
MAC_BYTES = b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02"
TCP = 6
UDP = 17
WINDOW = 65535
FIRST_TIME_US = 1_600_000_000_000_000
ETHERNET = 1

_IPV4 = struct.Struct(">14sBBHHHBBHIIHHIIHHHH")
_RECORD = struct.Struct("<IIII")
_FILE_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, ETHERNET)


def fold(total: int) -> int:
    """Return the RFC 1071 checksum of words that add up to ``total``."""
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def word_sum(data: bytes | bytearray) -> int:
    """Return the sum of the big-endian 16-bit words of ``data``, padded with 0."""
    if len(data) & 1:
        data = data + b"\0"
    return sum(struct.unpack(f">{len(data) // 2}H", data))


class Text:
    """The bytes that payloads are cut from."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._totals = (self._running(0), self._running(1))

    def _running(self, start: int) -> "array[int]":
        words = array("H", self.data[start : start + (len(self.data) - start & ~1)])
        if sys.byteorder == "little":
            words.byteswap()
        return array("Q", accumulate(words, initial=0))

    def sum(self, start: int, length: int) -> int:
        """Return the word sum of ``data[start : start + length]``."""
        first = start >> 1
        totals = self._totals[start & 1]
        total = totals[first + (length >> 1)] - totals[first]
        if length & 1:
            total += self.data[start + length - 1] << 8
        return total


@dataclass(frozen=True, slots=True)
class Address:
    """One end of an IPv4 connection."""

    host: int
    port: int


class Sender:
    """One direction of an IPv4 connection: makes its frames, and keeps its seq."""

    __slots__ = ("_from", "_ip_sum", "_sums", "_tcp_sum", "_to", "seq", "text")

    def __init__(
        self, source: Address, target: Address, isn: int, text: Text, sums: bool
    ) -> None:
        self.seq = isn
        self._from, self._to = source, target
        self.text = text
        self._sums = sums
        hosts = sum((source.host >> 16, source.host & 0xFFFF))
        hosts += sum((target.host >> 16, target.host & 0xFFFF))
        self._ip_sum = hosts + 0x4500 + 1 + 0x4000 + (64 << 8 | TCP)
        self._tcp_sum = hosts + TCP + source.port + target.port + WINDOW

    def frame(
        self,
        ack: int,
        flags: int,
        start: int = 0,
        length: int = 0,
        options: bytes = b"",
    ) -> bytes:
        """Return a frame that carries ``text.data[start : start + length]``.

        ``options`` are whole words. The sender's seq moves on by the payload, and
        by one for a SYN or a FIN.
        """
        seq = self.seq
        ack &= 0xFFFFFFFF
        header_bytes = 20 + len(options)
        total = 20 + header_bytes + length
        words = header_bytes << 10 | flags
        ip_check = tcp_check = 0
        if self._sums:
            ip_check = fold(self._ip_sum + total)
            tcp_check = fold(
                self._tcp_sum
                + header_bytes
                + length
                + (seq >> 16)
                + (seq & 0xFFFF)
                + (ack >> 16)
                + (ack & 0xFFFF)
                + words
                + (self.text.sum(start, length) if length else 0)
                + (word_sum(options) if options else 0)
            )
        header = _IPV4.pack(
            MAC_BYTES + b"\x08\0",
            0x45,
            0,
            total,
            1,
            0x4000,
            64,
            TCP,
            ip_check,
            self._from.host,
            self._to.host,
            self._from.port,
            self._to.port,
            seq,
            ack,
            words,
            WINDOW,
            tcp_check,
            0,
        )
        self.seq = seq + length + (1 if flags & (SYN | FIN) else 0) & 0xFFFFFFFF
        if options:
            header += options
        return header + self.text.data[start : start + length] if length else header


class Connection:
    """Both senders of an IPv4 connection, and how it opens and ends."""

    __slots__ = ("client", "server")

    def __init__(
        self,
        ends: tuple[Address, Address],
        isns: tuple[int, int],
        text: Text,
        sums: bool,
    ) -> None:
        self.client = Sender(ends[0], ends[1], isns[0], text, sums)
        self.server = Sender(ends[1], ends[0], isns[1], text, sums)

    def open(self, options: bytes = b"") -> Iterator[bytes]:
        """Yield the three frames of the handshake; both SYNs carry ``options``."""
        yield self.client.frame(0, SYN, options=options)
        yield self.server.frame(self.client.seq, SYN | ACK, options=options)
        yield self.client.frame(self.server.seq, ACK)

    def close(self) -> Iterator[bytes]:
        """Yield both FINs, and the last ACK."""
        yield self.client.frame(self.server.seq, FIN | ACK)
        yield self.server.frame(self.client.seq, FIN | ACK)
        yield self.client.frame(self.server.seq, ACK)


def random_connection(draw: Random, text: Text, sums: bool) -> Connection:
    """Return a connection of one of 65,536 clients to one of 4,096 servers."""
    client = Address(0x0A000000 + draw.randrange(1 << 16), draw.randrange(1024, 65535))
    server = Address(0xC0A80000 + draw.randrange(1 << 12), draw.choice((80, 443, 8080)))
    isns = draw.randrange(1 << 32), draw.randrange(1 << 32)
    return Connection((client, server), isns, text, sums)


def write_capture(path: Path, frames: Iterable[bytes], draw: Random) -> int:
    """Write ``frames`` as a pcap, 1 to 10 microseconds apart; return how many."""
    time_us = FIRST_TIME_US
    count = 0
    with path.open("wb", buffering=1 << 20) as file:
        file.write(_FILE_HEADER)
        for frame in frames:
            time_us += 1 + int(draw.random() * 10)
            length = len(frame)
            file.write(
                _RECORD.pack(time_us // 1_000_000, time_us % 1_000_000, length, length)
            )
            file.write(frame)
            count += 1
    return count
