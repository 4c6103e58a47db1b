"""What two ends say, of a protocol or nearly, with losses, through its framer."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from fuzz.choices import Choices
from tests.messages.cutting import cut_all
from tests.messages.framers import wire
from tests.messages.halves import check_partition, shown
from tests.talk import Talk
from unpacket.messages import Framer, Layer
from unpacket.messages.detect import Detect
from unpacket.messages.framers.dns import Dns
from unpacket.messages.framers.lines import Lines
from unpacket.messages.framers.prefixed import Prefixed
from unpacket.messages.framers.registry import http
from unpacket.messages.framers.tls.framer import Tls
from unpacket.messages.framers.websocket import WebSocket
from unpacket.messages.iterate import apiece

MAX_TURNS = 40
BOUNDS: dict[str, Any] = {"max_pending_bytes": 300, "max_queued_bytes": 500}

KEY = b"\1\2\3\4"
HELLO = wire.client_hello([0x1301, 0x0A0A], wire.server_name(b"h") + wire.alpn(b"h2"))
QUESTION = wire.question("www.example.org")
DEFLATER = wire.Deflater()

LINES = [b"one\n", b"two\r\n", b"\n", b"\r", b"three"]
PREFIXED = [b"\0\0", b"\0\3abc", b"\xff\xff", b"\0", b"\0\x10" + bytes(16)]
TLS = [
    wire.record(22, HELLO),
    wire.record(22, wire.server_hello(0x1301, wire.versions(0x0304))),
    wire.record(22, wire.certificates(b"der" * 20) + wire.handshake(14, b"")),
    wire.record(22, HELLO[:30]),
    wire.record(22, HELLO[30:]),
    wire.record(20, b"\1"),
    wire.record(21, b"\2\x28"),
    wire.record(23, bytes(40)),
    wire.record(23, b""),
    b"\x17\3\3\x48\0",
]
WEBSOCKET = [
    wire.ws(1, b"hello", mask=KEY),
    wire.ws(1, b"hel", fin=False),
    wire.ws(0, b"lo"),
    wire.ws(0, b"", fin=False),
    wire.ws(9, b"ping"),
    wire.ws(8, b"\3\xe8bye"),
    wire.ws(2, bytes(200)),
    *(wire.ws(1, DEFLATER.compress(b"hello " * 4), compressed=True) for _ in range(3)),
    wire.ws(0, b"x" * 5, mask=KEY),
    b"\x82\x7f\0\0\0\0\xff\xff\xff\xff",
    b"\x83\0",
]
DNS = [
    wire.dns([QUESTION]),
    wire.dns([QUESTION], [wire.resource(b"\xc0\x0c", 1, bytes(4))]),
    wire.dns([QUESTION], [wire.resource(b"\xc0\x0c", 5, b"\1a\xc0\x0c")]),
    wire.dns([b"\xc0\x0c\0\1\0\1"]),
    wire.dns([QUESTION], [], flags=0x8183),
    b"\0\x0c" + bytes(12),
    b"\0\1x",
]
HTTP = [
    *wire.upgrade(),
    b"CONNECT h:1 HTTP/1.1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
]


def target(
    make: Callable[[], Framer], pieces: Sequence[bytes]
) -> Callable[[bytes], None]:
    """Return a target: decisions about what is said, and what is lost of it."""

    def check(data: bytes) -> None:
        events = conversation(Choices(data), pieces)
        whole = read(events, make())
        wanted = shown(whole)
        for random in (Random(data), None):
            assert shown(read(list(cut_all(events, random)), make())) == wanted
        check_partition(events, whole)
        check_partition(events, read(events, make(), **BOUNDS))

    return check


def conversation(choices: Choices, pieces: Sequence[bytes]) -> list[Any]:
    """Return the events of what two ends say."""
    talk = Talk()
    if choices.flag():
        talk.handshake()
    edges = [0, 0]
    for _ in range(MAX_TURNS):
        if not choices.more:
            break
        kind = choices.byte()
        side = kind & 1
        payload = choices.pick(pieces)
        if kind & 2:
            payload = payload[: choices.byte()]
        if kind & 4:
            payload = payload[choices.byte() & 63 :]
        if kind & 8:
            payload = choices.octets(choices.byte() & 15) + payload
        lost = kind & 0xF0 == 0x10
        if payload and not lost:
            talk.send(side, edges[side], payload, ack=edges[1 - side])
        edges[side] += len(payload)
        # The other side says that it came.
        talk.send(1 - side, edges[1 - side], ack=edges[side])
    return talk.events + talk.assembler.finish()


def read(events: list[Any], framer: Framer, **bounds: Any) -> list[Any]:
    """Return what comes of events; what waits stays within the bounds."""
    layer = Layer(framer, exchanges=True, **bounds)
    found: list[Any] = []
    for event in events:
        found += apiece(layer.feed([event]), True)
        bound = layer.settings.max_pending_bytes + layer.settings.max_queued_bytes
        assert layer.settings.waiting_bytes <= 3 * bound + 8192
    assert layer.waiting_bytes == 0
    return found


lines = target(Lines, LINES)
prefixed = target(Prefixed, PREFIXED)
tls = target(Tls, TLS)
websocket = target(WebSocket, WEBSOCKET)
dns = target(Dns, DNS)
tunnels = target(http, [*HTTP, *TLS[:3], *WEBSOCKET[:5]])
detection = target(Detect, [*HTTP[2:], *TLS[:3], *DNS[:3], *LINES])
