"""What two ends say, of HTTP or nearly, with losses, through the layer."""

from random import Random
from typing import Any

from fuzz.choices import Choices
from tests.messages.cutting import cut_all
from tests.talk import Talk
from unpacket import Data
from unpacket.messages import Exchange, Layer, Message, Skipped, Tunnel
from unpacket.messages.http.framing import Http
from unpacket.messages.http.shape import exchange_to_dict

# What conversations are made of, whole and in pieces.
PIECES = [
    b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n",
    b"HEAD /a HTTP/1.1\r\n\r\n",
    b"POST /a HTTP/1.1\r\nContent-Length: 9\r\n\r\n123456789",
    b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"CONNECT h:1 HTTP/1.1\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
    b"GET /old\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n",
    b"HTTP/1.1 304 X\r\nContent-Length: 7\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\nContent-Length: 1\nContent-Length: 2\n\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n"
    b"\x1f\x8b\x08\0",
    b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x; boundary=b\r\n"
    b"Content-Length: 24\r\n\r\n--b\r\nA: 1\r\n\r\nxx\r\n--b--\r\n",
    b"5\r\nhello\r\n",
    b"0\r\n\r\n",
    b"ffffffffffffffff\r\n",
    b"\r\n",
    b"\x16\x03\x01\0\x05hello",
    b"HTTP/1.1 2",
    b"GET /",
]

BOUNDS: dict[str, Any] = {
    "max_pending_bytes": 600,
    "max_queued_bytes": 900,
    "max_unanswered": 5,
}


def check(data: bytes) -> None:
    choices = Choices(data)
    talk = Talk()
    if choices.flag():
        talk.handshake()
    edges = [0, 0]
    said = 0
    while choices.more and said < 60:
        said += 1
        kind = choices.byte()
        side = kind & 1
        payload = choices.pick(PIECES)
        if kind & 2:
            payload = payload[: choices.byte()]
        if kind & 4:
            payload = payload[choices.byte() & 31 :]
        if kind & 8:
            payload = choices.octets(choices.byte() & 15) + payload
        if kind & 0xF0 == 0x10:
            # Lost; the other side says that it came.
            edges[side] += len(payload)
            talk.send(1 - side, edges[1 - side], ack=edges[side])
            continue
        ack = edges[1 - side] if kind & 0x20 else -1
        if payload:
            talk.send(side, edges[side], payload, ack=ack)
            edges[side] += len(payload)
        if kind & 0xF0 == 0x50:
            talk.send(side, edges[side], flags=1)
    events = talk.events + talk.assembler.finish()
    whole = read(events, Layer(Http(), exchanges=True))
    random = Random(data)
    assert summary(
        read(list(cut_all(events, random)), Layer(Http(), exchanges=True))
    ) == (summary(whole))
    partition(events, whole)
    partition(events, read(events, Layer(Http(), exchanges=True, **BOUNDS)))
    for item in whole:
        if isinstance(item, Exchange):
            exchange_to_dict(item, 1 << 16)


def read(events: list[Any], layer: Layer) -> list[Any]:
    found = []
    for event in events:
        found += layer.feed([event])
        bound = layer.settings.max_pending_bytes + layer.settings.max_queued_bytes
        assert layer.settings.waiting_bytes <= 3 * bound + 8192
    assert layer.waiting_bytes == 0
    return found


def summary(items: list[Any]) -> list[Any]:
    """Return what must not depend on how events are cut, in an order that does not."""
    found = []
    for item in items:
        if isinstance(item, Exchange):
            shown = exchange_to_dict(item, 1 << 16)
            found.append(repr(shown))
        elif isinstance(item, Tunnel):
            found.append(repr(item.to_dict()))
        else:
            found.append(repr(item))
    return sorted(found)


def partition(events: list[Any], items: list[Any]) -> None:
    """Check that each observed byte is in one message, skip or tunnel."""
    left: dict[int, set[int]] = {0: set(), 1: set()}
    for event in events:
        if isinstance(event, Data):
            stop = event.offset + len(event.payload)
            left[event.direction].update(range(event.offset, stop))
    observed = {side: set(offsets) for side, offsets in left.items()}
    for item in items:
        swapped = getattr(item, "first", item).swapped
        for side, offset, length in ranges_of(item):
            half = side ^ swapped
            stop = min(offset + length, 1 << 20)
            taken = observed[half] & set(range(offset, stop))
            assert taken <= left[half], (item, taken - left[half])
            left[half] -= taken
    assert not any(left.values()), left


def ranges_of(item: Any) -> list[tuple[int, int, int]]:
    if isinstance(item, Skipped):
        return [(item.direction, item.offset, item.length)]
    if isinstance(item, Tunnel):
        # All behind its beginning; its lengths leave out what is missing.
        return [(side, offset, 1 << 20) for side, offset in enumerate(item.offsets)]
    if isinstance(item, Message):
        return [(item.direction, item.offset, item.length)]
    messages = [item.request, item.response, *item.interim]
    return [(m.direction, m.offset, m.length) for m in messages if m is not None]
