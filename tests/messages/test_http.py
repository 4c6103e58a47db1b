"""HTTP messages as real peers write them: what is read, and what is noted."""

import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.talk import Talk
from unpacket import StreamFollower
from unpacket.messages import Exchange, Layer, Skipped
from unpacket.messages.http.content import decode
from unpacket.messages.http.framing import Http
from unpacket.messages.iterate import follow, in_order
from unpacket.messages.native.find import find_byte
from unpacket.messages.pairing import new_exchange

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


def said(request: bytes, response: bytes, **options: Any) -> list[Any]:
    """Return what comes of one request and one response, both ended by FIN."""
    talk = Talk()
    talk.handshake()
    talk.client(0, request)
    talk.server(0, response, ack=len(request))
    talk.server(len(response), flags=1)
    talk.client(len(request), ack=len(response) + 1, flags=1)
    layer = Layer(Http(), exchanges=True, **options)
    found = layer.feed(talk.events + talk.assembler.finish())
    assert layer.waiting_bytes == 0
    return found


@pytest.mark.parametrize(
    ("response", "status", "body", "anomalies"),
    [
        pytest.param(b"ICY 200 OK\r\n\r\naudio", 200, b"audio", [], id="ICY"),
        pytest.param(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n", 200, b"", [], id="RTSP"),
        pytest.param(b"HTTP/1.1 200\r\n\r\nx", 200, b"x", [], id="no reason"),
        pytest.param(b"HTTP/1.1  404  No\r\n\r\n", 404, b"", [], id="blanks"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ncontent-LENGTH:3\r\n\r\nabc",
            200,
            b"abc",
            [],
            id="case",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3;a=b\r\nabc\r\n0\r\nT: 1\r\n\r\n",
            200,
            b"abc",
            [],
            id="extension and trailer",
        ),
        pytest.param(
            b"HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\n", 204, b"", [], id="204"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 03\r\n\r\nabc",
            200,
            b"abc",
            ["content-length-repeated"],
            id="leading zero",
        ),
    ],
)
def test_what_servers_send_is_read(
    response: bytes, status: int, body: bytes, anomalies: list[str]
) -> None:
    (exchange,) = said(GET, response)
    assert exchange.pairing == "known"
    assert exchange.response.status == status
    assert exchange.response.body == body
    assert exchange.response.anomalies == anomalies
    assert exchange.response.complete


def test_an_exchange_says_what_it_is() -> None:
    (exchange,) = said(
        b"GET /a?b HTTP/1.1\r\nHost: h.example\r\n\r\n",
        b"HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nX: 1\r\nx: 2\r\n\r\nok",
    )
    assert str(exchange) == "GET http://h.example/a?b -> 200 (2 bytes)"
    assert exchange.request.url == "http://h.example/a?b"
    assert exchange.response.body == exchange.response.data == b"ok"
    assert exchange.response.header("X") == "1, 2"
    assert exchange.response.reason == "Fine"
    assert exchange.latency_ns == 1_000_000
    assert exchange.complete


@pytest.mark.parametrize(
    ("target", "host", "url"),
    [
        ("/a", "Host: x\r\n", "http://x/a"),
        ("/a", "", "http://10.0.0.2/a"),
        ("*", "Host: x\r\n", "http://x"),
        ("http://y/a", "Host: x\r\n", "http://y/a"),
        ("/a?u=http://z/", "Host: x:81\r\n", "http://x:81/a?u=http://z/"),
    ],
)
def test_a_target_has_a_url(target: str, host: str, url: str) -> None:
    (exchange,) = said(f"GET {target} HTTP/1.1\r\n{host}\r\n".encode(), b"")
    assert exchange.request.url == url
    assert exchange.pairing == "none"


RESPONSE = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n0\r\nA: b\r\n\r\n"
)


@pytest.mark.parametrize("length", range(1, len(RESPONSE) + 1))
def test_every_truncation_is_one_message_or_skipped(length: int) -> None:
    items = said(GET, RESPONSE[:length])
    at = 0
    for item in items:
        if isinstance(item, Skipped):
            assert item.offset == at
            at += item.length
        else:
            assert isinstance(item, Exchange)
            response = item.response
            if response is not None:
                assert response.offset == at
                at += response.length - sum(hole.length for hole in response.holes)
                assert response.complete == (length == len(RESPONSE))
    assert at == length


@given(st.binary(max_size=2000), st.sampled_from([zlib.MAX_WBITS, -zlib.MAX_WBITS]))
def test_deflate_is_undone_both_ways(data: bytes, bits: int) -> None:
    engine = zlib.compressobj(wbits=bits)
    coded = engine.compress(data) + engine.flush()
    head = f"Content-Encoding: deflate\r\nContent-Length: {len(coded)}\r\n\r\n"
    (exchange,) = said(GET, b"HTTP/1.1 200 OK\r\n" + head.encode() + coded)
    decoded = decode(exchange.response)
    assert decoded is not None
    assert (decoded.data, decoded.complete) == (data, True)


@given(st.binary(max_size=60), st.integers(0, 255), st.integers(0, 70))
def test_a_byte_is_found_as_python_finds_it(data: bytes, byte: int, start: int) -> None:
    for stop in (0, len(data) // 2, len(data), len(data) + 5):
        assert find_byte(data, byte, start, stop) == data.find(byte, start, stop)


FIELD_LINES = st.tuples(
    st.sampled_from([b"Host", b"HOST", b"Hos", b"X-Hosts", b" ", b"\t", b"", b"h"]),
    st.sampled_from([b":", b" :", b"\t: ", b"", b"::"]),
    st.sampled_from([b"", b"a", b" b\t", b"\xff", b"c: d"]),
    st.sampled_from([b"\r\n", b"\n"]),
)


@given(st.lists(FIELD_LINES, max_size=7))
def test_a_header_is_what_the_list_of_headers_has(
    lines: list[tuple[bytes, ...]],
) -> None:
    fields = b"".join(b"".join(line) for line in lines if any(line[:3]))
    (exchange, *_) = said(b"GET / HTTP/1.1\r\n" + fields + b"\r\n", b"")
    request = exchange.request
    for name in ("host", "hos", "x-hosts", "H", "a", "\u2028"):
        values = [
            value for key, value in request.headers if key.lower() == name.lower()
        ]
        assert request.header(name) == (", ".join(values) if values else None)


@pytest.mark.parametrize(
    ("length", "declared"),
    [
        ("3", 3),
        (" \t3 ", 3),
        ("003", 3),
        ("3, 3", 3),
        ("999999999999999999", 10**18 - 1),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", -2),
        ("", -2),
        ("+3", -2),
        ("3 3", -2),
        ("3,4", -2),
    ],
)
def test_a_length_is_a_number_or_none(length: str, declared: int) -> None:
    request = f"PUT / HTTP/1.1\r\nContent-Length:{length}\r\n\r\n".encode()
    (exchange, *_) = said(request, b"")
    assert exchange.request.declared == declared


@pytest.mark.parametrize(
    "framing", ["Content-Length: {}", "Transfer-Encoding: chunked"]
)
def test_a_body_longer_than_any_is_a_hole_that_takes_no_memory(framing: str) -> None:
    head = "HTTP/1.1 200 OK\r\n" + framing.format(2**63 - 1) + "\r\n\r\n"
    size = "" if "{}" in framing else "7fffffffffffffff\r\n"
    (exchange, *_) = said(GET, (head + size).encode() + b"abc")
    response = exchange.response
    assert response.body == b"abc"
    (hole,) = response.holes
    assert (hole.offset, hole.reason) == (3, "not_sent")
    assert 2**63 - 200 < response.length < 2**63
    assert not response.complete


def test_a_follower_calls_back() -> None:
    follower = StreamFollower(link_type=101)
    found: list[Any] = []
    layer = follow(follower, Http(), found.append, exchanges=True)
    talk = Talk()
    talk.handshake()
    talk.client(0, GET)
    talk.server(0, b"HTTP/1.1 204 No\r\n\r\n", ack=len(GET))
    follower.feed([(frame.time_ns, frame.data) for frame in talk.wire.frames])
    follower.finish()
    assert [str(item) for item in found] == ["GET http://h/ -> 204 (0 bytes)"]
    assert layer.waiting_bytes == 0


def test_requests_without_answers_are_bounded() -> None:
    talk = Talk()
    talk.handshake()
    for n in range(20):
        talk.client(n * len(GET), GET)
    layer = Layer(Http(), exchanges=True, max_unanswered=5)
    found = layer.feed(talk.events)
    assert [item.pairing for item in found] == ["unknown"] * 15
    assert layer.settings.over_bounds == 15
    assert len(layer.feed(talk.assembler.finish())) == 5
    assert layer.waiting_bytes == 0


def test_order_is_that_of_beginnings_as_far_as_it_is_bounded() -> None:
    numbers = [1, 0, 3, 2, 5, 6, 7, 4]
    stream: Any = None
    begun = [new_exchange(stream, number) for number in numbers]
    assert [one.number for one in in_order(begun)] == sorted(numbers)
    assert [one.number for one in in_order(begun, 1)] == [0, 1, 2, 3, 5, 6, 7, 4]
