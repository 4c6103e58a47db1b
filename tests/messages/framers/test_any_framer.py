"""What must hold of every framer, whatever is sent: cuts, truncations, holes, noise."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.messages.framers import wire
from tests.messages.halves import (
    Turn,
    check_cuts,
    check_partition,
    events_of,
    items_of,
)
from unpacket.messages import Framer, Message
from unpacket.messages.detect import Detect
from unpacket.messages.framers.dns import Dns
from unpacket.messages.framers.lines import Lines
from unpacket.messages.framers.prefixed import Prefixed
from unpacket.messages.framers.registry import http
from unpacket.messages.framers.tls.framer import Tls
from unpacket.messages.framers.websocket import WebSocket

RECORDING = Path(__file__).resolve().parents[2] / "recordings" / "openssl-v4"


class Sample(NamedTuple):
    """A framer, and messages of its protocol: who sends each."""

    make: Callable[[], Framer]
    turns: list[tuple[int, bytes]]
    port: int = 80


def recorded_tls() -> list[tuple[int, bytes]]:
    """Return what the two sides of a real TLS 1.2 connection sent."""
    sent = [
        gzip.decompress((RECORDING / f"1-{side}.bin.gz").read_bytes())
        for side in ("client", "server")
    ]
    return [(0, sent[0][:188]), (1, sent[1][:900]), (0, sent[0][188:])]


def websocket_turns() -> list[tuple[int, bytes]]:
    deflater = wire.Deflater()
    key = b"\x37\xfa\x21\x3d"
    texts = [b"hello hello hello", b"hello again", b"x" * 400]
    packed = [deflater.compress(text) for text in texts]
    return [
        (0, wire.ws(1, b"Hello", mask=key)),
        (1, wire.ws(1, b"He", fin=False) + wire.ws(9, b"p") + wire.ws(0, b"llo")),
        (0, wire.ws(10, b"p", mask=key)),
        (1, b"".join(wire.ws(1, one, compressed=True) for one in packed)),
        (0, wire.ws(2, bytes(range(256)) * 2, mask=key)),
        (0, wire.ws(8, b"\x03\xe8bye", mask=key)),
        (1, wire.ws(8, b"\x03\xe8")),
    ]


def dns_turns() -> list[tuple[int, bytes]]:
    asked = wire.question("www.example.org", 28)
    alias = wire.resource(b"\xc0\x0c", 5, b"\x03web\xc0\x10")
    address = wire.resource(b"\xc0\x2d", 28, bytes(15) + b"\1")
    return [
        (0, wire.dns([asked]) + wire.dns([wire.question("a.b", 16)], number=8)),
        (1, wire.dns([asked], [alias, address])),
        (1, wire.dns([wire.question("a.b", 16)], [], number=8, flags=0x8183)),
    ]


def http_turns() -> list[tuple[int, bytes]]:
    asked, answered = wire.upgrade()
    return [
        (0, b"HEAD / HTTP/1.1\r\n\r\n"),
        (1, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
        (0, asked),
        (1, answered),
        *websocket_turns()[:3],
    ]


SAMPLES = {
    "lines": Sample(Lines, [(0, b"one\r\ntwo\n\nthree"), (1, b"four\nfive\n")]),
    "lines of more": Sample(
        lambda: Lines(b"\r\n."), [(0, b"a\r\n.b\r\r\n.\r\n.c\r\n")]
    ),
    "prefixed": Sample(
        lambda: Prefixed("<H", 1, 2), [(0, b"a\x01\0xyzb\0\0yz" * 3), (1, b"c\2\0abcd")]
    ),
    "tls": Sample(Tls, recorded_tls()),
    "websocket": Sample(WebSocket, websocket_turns()),
    "dns": Sample(Dns, dns_turns(), 53),
    "http": Sample(http, http_turns()),
    "detect tls": Sample(Detect, recorded_tls(), 4433),
    "detect dns": Sample(Detect, dns_turns(), 5353),
    "detect http": Sample(Detect, http_turns(), 9000),
    "detect nothing": Sample(Detect, [(0, b"say x\r\n" * 3), (1, b"well, x\r\n")], 25),
}


@pytest.fixture(params=SAMPLES, ids=lambda name: name.replace(" ", "-"))
def sample(request: pytest.FixtureRequest) -> Sample:
    return SAMPLES[request.param]


def turns_of(sample: Sample) -> list[Turn]:
    return list(sample.turns)


def test_all_of_it_is_messages(sample: Sample) -> None:
    events = events_of(turns_of(sample), port=sample.port)
    items = check_cuts(events, sample.make(), 1)
    if sample is not SAMPLES["detect nothing"]:
        assert all(isinstance(item, Message) for item in items)
        incomplete = [item for item in items if not item.complete]
        assert len(incomplete) <= 1


def test_every_truncation_is_accounted_for(sample: Sample) -> None:
    total = sum(len(data) for _, data in sample.turns)
    step = max(1, total // 150)
    for length in range(0, total, step):
        left = length
        turns: list[Turn] = []
        for side, data in sample.turns:
            turns.append((side, data[:left]))
            left = max(0, left - len(data))
        events = events_of(turns, port=sample.port, fin=length % 2 == 0)
        items = items_of(events, sample.make())
        check_partition(events, items)


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_any_loss_gives_the_same_however_it_is_cut(name: str, data: Any) -> None:
    sample = SAMPLES[name]
    turns: list[Turn] = []
    for side, payload in sample.turns:
        at = 0
        for _ in range(data.draw(st.integers(0, 2))):
            start = data.draw(st.integers(at, len(payload)))
            stop = data.draw(st.integers(start, len(payload)))
            turns += [(side, payload[at:start]), (side, stop - start)]
            at = stop
        turns.append((side, payload[at:]))
    handshake = data.draw(st.booleans())
    events = events_of(turns, port=sample.port, handshake=handshake)
    check_cuts(events, sample.make(), data.draw(st.integers(0, 999)))


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_noise_is_accounted_for(name: str, data: Any) -> None:
    sample = SAMPLES[name]
    turns: list[Turn] = []
    for side, payload in sample.turns:
        at = data.draw(st.integers(0, len(payload)))
        noise = data.draw(st.binary(max_size=40))
        turns.append((side, payload[:at] + noise + payload[at:]))
    handshake = data.draw(st.booleans())
    events = events_of(turns, port=sample.port, handshake=handshake)
    check_cuts(events, sample.make(), 3)


def test_noise_alone_stays_within_the_bounds(sample: Sample) -> None:
    from random import Random

    noise = Random(7).randbytes(60_000)
    events = events_of([(0, noise), (1, noise)], port=sample.port)
    items = items_of(events, sample.make(), max_pending_bytes=5000)
    check_partition(events, items)
