"""Captures that each press on one thing: ``python -m bench.scenarios KIND OUT.pcap``.

All of them carry right checksums. Where there are many streams, what a stream looks
like follows from its number, so that a million of them need no memory here.
"""

import argparse
import struct
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from random import Random

from bench.frames import (
    ACK,
    MAC_BYTES,
    PSH,
    SYN,
    TCP,
    UDP,
    Address,
    Connection,
    Text,
    fold,
    random_connection,
    word_sum,
    write_capture,
)

ETHERNET_BYTES = 14
IPV4_BYTES = 20
MSS = 1460
JUMBO_MSS = 8960
# Of QinQ, VXLAN and fragments the payload is shorter, so that the frame still fits.
TUNNELLED_MSS = 1400
FRAGMENT_BYTES = 736
VXLAN_PORT = 4789
# A thousand visits fit into a window that nobody moves on.
VISIT_BYTES = 32
# Of `few_live`: how many streams.
FEW = 1000
# RFC 7323: 2**14 times what the window field says; then a no-operation.
WINDOW_SCALE = b"\x03\x03\x0e\x01"

Scenario = Callable[[int, Random], Iterator[bytes]]


def one_way(
    packets: int, draw: Random, size: int, *, streams: int = 16
) -> Iterator[bytes]:
    """Yield in-order answers of ``size`` bytes on a few streams, acknowledged."""
    text = Text(draw.randbytes(1 << 20))
    last_start = len(text.data) - size
    alive = [random_connection(draw, text, True) for _ in range(streams)]
    for connection in alive:
        yield from connection.open()
    for number in range(packets):
        connection = alive[number // 3 % streams]
        if number % 3 == 2:
            yield connection.client.frame(connection.server.seq, ACK)
        else:
            start = draw.randrange(last_start)
            yield connection.server.frame(connection.client.seq, ACK, start, size)


def shuffled(frames: Iterable[bytes], window: int, draw: Random) -> Iterator[bytes]:
    """Yield frames in another order, none further than ``window`` from its place."""
    waiting = iter(frames)
    while group := list(islice(waiting, window)):
        draw.shuffle(group)
        yield from group


def in_order(packets: int, draw: Random) -> Iterator[bytes]:
    """Full segments in order."""
    return one_way(packets, draw, MSS)


def jumbo(packets: int, draw: Random) -> Iterator[bytes]:
    """Segments of 9,000-byte packets."""
    return one_way(packets, draw, JUMBO_MSS)


def tiny_segments(packets: int, draw: Random) -> Iterator[bytes]:
    """Four bytes a segment, in order."""
    return one_way(packets, draw, 4)


def reordered(packets: int, draw: Random) -> Iterator[bytes]:
    """Full segments, each up to 64 packets from its place."""
    return shuffled(one_way(packets, draw, MSS), 64, draw)


def overlapping(packets: int, draw: Random) -> Iterator[bytes]:
    """Every byte four times, in segments that begin elsewhere, out of order."""
    # It repeats every 256 bytes, so all copies of an offset agree.
    text = Text(bytes(range(256)) * 8)
    connection = random_connection(draw, text, True)
    client, server = connection.client, connection.server
    yield from connection.open()
    first_seq = server.seq

    def sent() -> Iterator[bytes]:
        for number in range(packets):
            offset = number * (MSS // 4)
            if number % 8 == 7:
                acknowledged = max(0, offset - 64 * (MSS // 4))
                yield client.frame(first_seq + acknowledged, ACK)
            else:
                server.seq = first_seq + offset & 0xFFFFFFFF
                yield server.frame(client.seq, ACK, offset % 256, MSS)

    yield from shuffled(sent(), 32, draw)


def numbered(number: int, text: Text) -> Connection:
    """Return the connection that ``number`` stands for: one of 2**32."""
    client = Address(0x0A000000 + (number >> 8), 1024 + (number & 0xFF) * 251)
    mixed = number * 0x9E3779B1 & 0xFFFFFFFF
    isns = mixed, mixed ^ 0x5BD1E995
    return Connection((client, Address(0xC0A80001, 443)), isns, text, True)


def syn_flood(packets: int, _draw: Random) -> Iterator[bytes]:
    """A SYN from another source each time, and nothing else."""
    text = Text(b"")
    for number in range(packets):
        yield numbered(number, text).client.frame(0, SYN)


def established(packets: int, _draw: Random) -> Iterator[bytes]:
    """Handshakes only: a third as many streams as packets, which then idle."""
    text = Text(b"")
    for number in range(-(-packets // 3)):
        yield from numbered(number, text).open()


def visited(streams: int, visits: int, draw: Random) -> Iterator[bytes]:
    """Open ``streams``, then send on each of them, turn by turn, in random order."""
    text = Text(draw.randbytes(1 << 16))
    for number in range(streams):
        yield from numbered(number, text).open()
    order = list(range(streams))
    for turn in range(-(-visits // streams)):
        draw.shuffle(order)
        for number in order:
            connection = numbered(number, text)
            client, server = connection.client, connection.server
            client.seq = client.seq + 1 + turn * VISIT_BYTES & 0xFFFFFFFF
            yield client.frame(server.seq + 1, PSH | ACK, 0, VISIT_BYTES)


def few_live(packets: int, draw: Random) -> Iterator[bytes]:
    """1,000 live streams, then a quarter of the packets on them."""
    return visited(FEW, packets // 4, draw)


def many_live(packets: int, draw: Random) -> Iterator[bytes]:
    """A quarter as many live streams as packets, then one packet on each."""
    return visited(packets // 4, packets // 4, draw)


def pieces(packets: int, draw: Random) -> tuple[Iterator[bytes], list[bytes]]:
    """Return a handshake, and four-byte segments that all fit into its window."""
    text = Text(draw.randbytes(1 << 10))
    connection = random_connection(draw, text, True)
    client, server = connection.client, connection.server
    handshake = list(connection.open(WINDOW_SCALE))
    frames = [
        server.frame(client.seq, ACK, number % 1000, 4) for number in range(packets)
    ]
    return iter(handshake), frames


def reversed_pieces(packets: int, draw: Random) -> Iterator[bytes]:
    """Four-byte segments of one stream, the last first."""
    handshake, frames = pieces(packets, draw)
    return chain(handshake, reversed(frames))


def shuffled_pieces(packets: int, draw: Random) -> Iterator[bytes]:
    """Four-byte segments of one stream, in any order."""
    handshake, frames = pieces(packets, draw)
    draw.shuffle(frames)
    return chain(handshake, frames)


def ipv6(packets: int, draw: Random) -> Iterator[bytes]:
    """Full segments in order, over IPv6."""
    for frame in one_way(packets, draw, TUNNELLED_MSS):
        ends = frame[26:30], frame[30:34]
        source, target = (b"\x20\x01\x0d\xb8" + bytes(8) + end for end in ends)
        segment = bytearray(frame[ETHERNET_BYTES + IPV4_BYTES :])
        segment[16:18] = b"\0\0"
        total = word_sum(source + target) + TCP + len(segment) + word_sum(segment)
        struct.pack_into(">H", segment, 16, fold(total))
        header = struct.pack(">IHBB", 0x60000000, len(segment), TCP, 64)
        yield MAC_BYTES + b"\x86\xdd" + header + source + target + segment


def qinq(packets: int, draw: Random) -> Iterator[bytes]:
    """Full segments in order, behind two VLAN tags."""
    tags = b"\x88\xa8\x00\x64\x81\x00\x00\xc8"
    for frame in one_way(packets, draw, TUNNELLED_MSS):
        yield frame[:12] + tags + frame[12:]


def ipv4_header(length: int, protocol: int, ends: bytes, fragment: int = 0) -> bytes:
    """Return a header for ``length`` bytes; ``ends`` is both addresses."""
    start = struct.pack(">BBHHHBB", 0x45, 0, 20 + length, 1, fragment, 64, protocol)
    return start + struct.pack(">H", fold(word_sum(start + ends))) + ends


def vxlan(packets: int, draw: Random) -> Iterator[bytes]:
    """Full segments in order, in VXLAN."""
    ends = b"\xac\x10\x00\x01\xac\x10\x00\x02"
    tunnel = b"\x08\0\0\0\0\0\x2a\0"
    for frame in one_way(packets, draw, TUNNELLED_MSS):
        length = 16 + len(frame)
        outer = ipv4_header(length, UDP, ends)
        datagram = struct.pack(">HHHH", 49152, VXLAN_PORT, length, 0)
        yield MAC_BYTES + b"\x08\0" + outer + datagram + tunnel + frame


def fragments(packets: int, draw: Random) -> Iterator[bytes]:
    """Full segments in order, each datagram in two fragments."""
    number = 0
    for frame in one_way(packets, draw, TUNNELLED_MSS):
        data = frame[ETHERNET_BYTES + IPV4_BYTES :]
        if len(data) <= FRAGMENT_BYTES:
            yield frame
            continue
        number = number + 1 & 0xFFFF
        for start in (0, FRAGMENT_BYTES):
            piece = data[start : start + FRAGMENT_BYTES]
            more = 0 if start else 0x2000
            header = bytearray(
                ipv4_header(len(piece), TCP, frame[26:34], more | start // 8)
            )
            struct.pack_into(">H", header, 4, number)
            struct.pack_into(">H", header, 10, 0)
            struct.pack_into(">H", header, 10, fold(word_sum(header)))
            yield frame[:ETHERNET_BYTES] + bytes(header) + piece


SCENARIOS: dict[str, Scenario] = {
    "in_order": in_order,
    "reordered": reordered,
    "overlapping": overlapping,
    "tiny_segments": tiny_segments,
    "jumbo": jumbo,
    "ipv6": ipv6,
    "qinq": qinq,
    "vxlan": vxlan,
    "fragments": fragments,
    "syn_flood": syn_flood,
    "established": established,
    "few_live": few_live,
    "many_live": many_live,
    "reversed_pieces": reversed_pieces,
    "shuffled_pieces": shuffled_pieces,
}


def main() -> None:
    """Write the capture that the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.scenarios", description=__doc__
    )
    parser.add_argument("kind", choices=SCENARIOS)
    parser.add_argument("out", type=Path)
    parser.add_argument("--packets", type=int, default=200_000)
    asked = parser.parse_args()
    draw = Random(1)
    write_capture(asked.out, SCENARIOS[asked.kind](asked.packets, draw), draw)


if __name__ == "__main__":
    main()
