"""Packets that are damaged in any way, many at a time, to inspectors of every kind.

Nothing raises, and what the assembler reads is what the engine lets go on.
"""

import random
import struct
from collections.abc import Callable

import pytest

from tests import builder
from tests.builder import ACK, FIN, RST, SYN
from tests.inline.ends import CLIENT_END, ENDS_6, SERVER_END, Recorder, Wire
from unpacket.inline import (
    ACCEPT,
    DROP,
    RESET,
    Arrival,
    Hold,
    Packet,
    Replace,
    Settings,
)
from unpacket.inline.hosts import AllowHosts
from unpacket.inline.inspectors import Block
from unpacket.inline.replacing import ReplaceText

TEXTS = (
    b"at c",
    b"",
    b"aaat" * 5,
    b"GET / HTTP/1.1\r\nHost: a.b\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\natat",
    b"4\r\natat\r\n0\r\n\r\n",
)
FLAGS = (*[ACK] * 6, FIN | ACK, RST, RST | ACK, SYN, SYN | ACK, 0)


def inspectors(rng: random.Random) -> list[Callable[[], object]]:
    def hold(arrival: Arrival) -> Hold:
        then = rng.choice((ACCEPT, DROP, RESET))
        return Hold(rng.randrange(40), rng.random(), then)

    def replace(arrival: Arrival) -> Replace:
        half = arrival.pending[: len(arrival.pending) // 2]
        keep = rng.randrange(len(arrival.pending) + 1)
        return Replace(half + rng.choice((b"", b"zz")), keep, rng.random())

    return [
        Recorder,
        lambda: Recorder(hold),
        lambda: Recorder(replace, replaces=True),
        lambda: ReplaceText(b"at", b"[long]"),
        lambda: ReplaceText(b"at", b""),
        lambda: Block(b"EF", b"aa"),
        lambda: AllowHosts("a.b"),
    ]


def mended(data: bytes) -> bytes:
    """Return an IPv4 packet with right checksums, as far as it is one."""
    fresh = bytearray(data)
    length = (data[0] & 15) * 4 if data else 0
    if length < 20 or len(data) < length + 20 or data[0] >> 4 != 4:
        return data
    fresh[10:12] = b"\0\0"
    fresh[10:12] = builder.checksum(bytes(fresh[:length])).to_bytes(2, "big")
    fresh[length + 16 : length + 18] = b"\0\0"
    body = bytes(fresh[length:])
    pseudo = bytes(fresh[12:20]) + struct.pack(">II", len(body), 6)
    total = builder.checksum(pseudo + body)
    fresh[length + 16 : length + 18] = total.to_bytes(2, "big")
    return bytes(fresh)


def damaged(rng: random.Random, wire: Wire) -> Packet:
    side = rng.randrange(2)
    options = rng.choice(
        (
            b"",
            b"",
            builder.sack((wire.isns[1 - side] + 3, wire.isns[1 - side] + 9)),
            builder.timestamps(rng.randrange(1 << 32)),
            rng.randbytes(rng.randrange(40)),
        )
    )
    data = bytearray(
        wire.packet(
            side,
            rng.randrange(-5, 60),
            rng.choice(TEXTS),
            ack=rng.choice((None, *[rng.randrange(-3, 70)] * 9)),
            flags=rng.choice(FLAGS),
            options=options,
            urgent=rng.randrange(3),
        )
    )
    for _ in range(rng.choice((0, 0, 1, 1, 3))):
        data[rng.randrange(len(data))] = rng.randrange(256)
    if rng.random() < 0.05:
        del data[rng.randrange(len(data)) :]
    packet = mended(bytes(data)) if rng.random() < 0.7 else bytes(data)
    return Packet(packet, rng.random() < 0.05, rng.choice((0, 0, 0, 100)))


@pytest.mark.parametrize("seed", range(100))
def test_nothing_raises(seed: int) -> None:
    rng = random.Random(seed)
    failures: list[Exception] = []
    wire = Wire(
        rng.choice(inspectors(rng))(),
        settings=Settings(
            on_failure=rng.choice(("open", "closed")), max_streams=rng.choice((1, 100))
        ),
        ends=rng.choice(((CLIENT_END, SERVER_END), ENDS_6)),
        report=lambda stream, error: failures.append(error),
    )
    wire.handshake(options=rng.choice((b"", builder.sack_permitted())))
    for _ in range(20):
        packets = [(0, damaged(rng, wire)) for _ in range(rng.choice((1, 1, 5)))]
        wire.now_ns += rng.randrange(1, 300_000_000)
        outcomes = wire.engine.process(packets, wire.now_ns)
        assert len(outcomes) == len(packets)
        wire.engine.tick(wire.now_ns)
    assert not failures
    counted = wire.engine.statistics
    assert counted.passed + counted.rewritten + counted.dropped.total() >= 23
