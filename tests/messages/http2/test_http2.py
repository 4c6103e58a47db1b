"""HTTP/2: exchanges that are mixed in one connection come out apart, and whole."""

from random import Random
from typing import Any

import pytest

import unpacket
from tests.messages.http2.speaking import (
    Fields,
    Talk,
    data,
    frame,
    get,
    ok,
    reset,
    shape,
)
from tests.tls.speaking import Ends, Session, packets_of
from unpacket.messages import Layer
from unpacket.messages.http2.framer import Http2
from unpacket.messages.http2.frames import CONTINUATION, HEADERS, PREFACE, SETTINGS
from unpacket.messages.http2.grpc import grpc_messages, method_of, status_of
from unpacket.messages.results import Message


def exchanges(talk: Talk, **options: Any) -> list[Any]:
    return list(unpacket.http(packets_of(talk.turns, **options).packets))


def test_streams_that_are_mixed_are_exchanges() -> None:
    talk = Talk()
    first, second = (talk.headers(0, one, get(f"/{one}"), ends=True) for one in (1, 3))
    talk.send(0, first, second)
    talk.send(1, talk.headers(1, 3, ok()), talk.headers(1, 1, ok(content_type="a/b")))
    talk.send(1, data(1, b"one "), data(3, b"three "), data(1, b"uno", ends=True))
    talk.send(1, data(3, b"tres", ends=True))
    one, three = exchanges(talk)
    assert shape(one) == (
        ("GET", "https://h.example/1", b""), (200, b"one uno"), "known"
    )  # fmt: skip
    assert shape(three) == (
        ("GET", "https://h.example/3", b""), (200, b"three tres"), "known"
    )  # fmt: skip
    assert one.complete
    assert one.request.version == "HTTP/2"
    assert one.request.host == "h.example"
    assert one.response.header("content-type") == "a/b"
    assert one.response.protocol == "http2"
    assert one.response.known_by == "content"
    assert one.request.anomalies == one.response.anomalies == []


def test_a_hundred_streams_at_once_under_tls(tmp_path: Any) -> None:
    talk = Talk()
    numbers = range(1, 201, 2)
    for one in numbers:
        talk.send(0, talk.headers(0, one, get(f"/{one}"), ends=True))
    for one in numbers:
        talk.send(1, talk.headers(1, one, ok()))
    bodies = {one: Random(one).randbytes(3000) for one in numbers}
    for at in range(0, 3000, 500):
        for one in numbers:
            part = bodies[one][at : at + 500]
            talk.send(1, data(one, part, ends=at == 2500))
    session = Session(Ends(tmp_path / "log", alpn=["h2"]))
    for side, sent in talk.turns:
        session.write(side, sent)
    packets = packets_of(session.turns).packets
    found = list(unpacket.http(packets, keys=tmp_path / "log"))
    assert [one.request.target for one in found] == [
        f"https://h.example/{one}" for one in numbers
    ]
    assert [one.response.body for one in found] == list(bodies.values())
    assert all(one.complete for one in found)


@pytest.mark.parametrize("cut", [0, 1, 7])
@pytest.mark.parametrize("padding", [0, 1, 200])
def test_padding_priorities_and_continuations_are_framing(
    cut: int, padding: int
) -> None:
    talk = Talk()
    options: Any = {"cut": cut, "padding": padding, "priority": True}
    talk.send(0, talk.headers(0, 1, get("/"), ends=True, **options))
    talk.send(1, talk.headers(1, 1, ok(x="y" * 50), **options))
    talk.send(1, data(1, b"body", padding=padding, ends=True))
    (found,) = exchanges(talk)
    assert shape(found) == (
        ("GET", "https://h.example/", b""), (200, b"body"), "known"
    )  # fmt: skip
    assert found.complete


def test_fields_behind_a_body_are_trailers() -> None:
    talk = Talk()
    talk.send(0, talk.headers(0, 1, get("/"), ends=True))
    talk.send(1, talk.headers(1, 1, ok()), data(1, b"body"))
    talk.send(1, talk.headers(1, 1, [("x-sum", "7")], ends=True))
    (found,) = exchanges(talk)
    assert found.response.trailers == [("x-sum", "7")]
    assert found.response.header("x-sum") is None
    assert found.complete


def test_what_is_reset_is_not_complete() -> None:
    talk = Talk()
    talk.send(0, talk.headers(0, 1, get("/"), ends=True))
    talk.send(1, talk.headers(1, 1, ok()), data(1, b"bo"))
    talk.send(0, reset(1, 8))
    talk.ask(3, "/next", b"fine")
    first, second = exchanges(talk)
    assert first.response.body == b"bo"
    assert not first.response.complete
    assert first.response.anomalies == ["reset: cancel"]
    assert second.complete


def test_what_is_pushed_has_its_request() -> None:
    talk = Talk()
    talk.send(0, talk.headers(0, 1, get("/"), ends=True))
    talk.send(1, talk.promise(1, 2, get("/style.css")))
    talk.send(1, talk.headers(1, 1, ok()), data(1, b"page", ends=True))
    talk.send(1, talk.headers(1, 2, ok()), data(2, b"style", ends=True))
    first, second = exchanges(talk)
    assert shape(first)[1] == (200, b"page")
    assert shape(second) == (
        ("GET", "https://h.example/style.css", b""), (200, b"style"), "known"
    )  # fmt: skip
    assert second.request.anomalies == ["pushed"]
    assert second.complete


def test_interim_responses_come_before_the_response() -> None:
    talk = Talk()
    talk.send(0, talk.headers(0, 1, get("/", expect="100-continue")))
    talk.send(1, talk.headers(1, 1, [(":status", "100")]))
    talk.send(0, data(1, b"sent", ends=True))
    talk.send(1, talk.headers(1, 1, ok(), ends=True))
    (found,) = exchanges(talk)
    assert [one.status for one in found.interim] == [100]
    assert shape(found)[:2] == (("GET", "https://h.example/", b"sent"), (200, b""))


UPGRADE = (
    b"GET /old HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\n"
    b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"
)
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
)


@pytest.mark.parametrize("mss", [1400, 1])
def test_an_upgrade_goes_on_with_streams(mss: int) -> None:
    talk = Talk(preface=False)
    talk.send(0, UPGRADE)
    talk.send(1, SWITCH + frame(SETTINGS, 0))
    talk.send(1, talk.headers(1, 1, ok()), data(1, b"first", ends=True))
    talk.send(0, PREFACE + frame(SETTINGS, 0))
    talk.ask(3, "/3", b"third")
    old, first, third = exchanges(talk, mss=mss)
    assert old.response.status == 101
    assert shape(first) == (("GET", "http://h/old", b""), (200, b"first"), "known")
    assert shape(third)[1] == (200, b"third")
    assert third.request.known_by == "upgrade"


def test_a_websocket_in_a_stream_is_messages() -> None:
    talk = Talk()
    asked: Fields = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":path", "/chat"),
        (":authority", "h"),
    ]
    talk.send(0, talk.headers(0, 1, asked))
    talk.send(1, talk.headers(1, 1, ok()))
    # RFC 6455 section 5.7: "Hello", masked and not.
    talk.send(0, data(1, bytes.fromhex("818537fa213d7f9f4d5158")))
    talk.send(1, data(1, bytes.fromhex("810548656c6c6f")))
    talk.ask(3, "/", b"beside")
    found = list(unpacket.messages(packets_of(talk.turns).packets))
    texts = [one.text for one in found if one.protocol == "websocket"]
    assert texts == ["Hello", "Hello"]
    assert b"beside" in [one.body for one in found if one.protocol == "http2"]


def test_a_call_of_grpc_has_its_messages() -> None:
    talk = Talk()
    kind = {"content_type": "application/grpc"}
    asked = get("/greet.Greeter/Hello", **kind)
    talk.send(0, talk.headers(0, 1, asked), data(1, b"\0\0\0\0\3abc", ends=True))
    talk.send(1, talk.headers(1, 1, ok(**kind)))
    talk.send(1, data(1, b"\0\0\0\0\2d"), data(1, b"e\1\0\0\0\1f"))
    talk.send(1, talk.headers(1, 1, [("grpc-status", "0")], ends=True))
    (found,) = exchanges(talk)
    assert method_of(found.request) == ("greet.Greeter", "Hello")
    assert [one.data for one in grpc_messages(found.request)] == [b"abc"]
    sent = [(one.data, one.compressed) for one in grpc_messages(found.response)]
    assert sent == [(b"de", False), (b"f", True)]
    assert status_of(found.response) == 0
    facts = found.response.facts["grpc"]
    assert [one["length"] for one in facts["messages"]] == [2, 1]
    assert found.request.facts["grpc"]["method"] == "Hello"


def sample() -> Talk:
    talk = Talk()
    for number in range(1, 21, 2):
        body = Random(number).randbytes(number * 150)
        talk.ask(number, f"/path/{number}", body, x_number=str(number))
    return talk


def test_any_cut_gives_the_same_exchanges() -> None:
    talk = sample()
    wanted = [shape(one) for one in exchanges(talk)]
    assert len(wanted) == 10
    for mss in (1, 2, 9, 100, 9000):
        assert [shape(one) for one in exchanges(talk, mss=mss)] == wanted


def test_every_truncation_ends_well() -> None:
    talk = Talk()
    talk.ask(1, "/one", b"x" * 40)
    talk.ask(3, "/three", b"y" * 20)
    size = sum(len(sent) for _, sent in talk.turns)
    for kept in range(size):
        turns = []
        left = kept
        for side, sent in talk.turns:
            turns.append((side, sent[:left]))
            left = max(0, left - len(sent))
        for one in unpacket.http(packets_of(turns, fin=False).packets):
            body = b"" if one.response is None else one.response.body
            assert (b"x" * 40).startswith(body) or (b"y" * 20).startswith(body)


def test_a_gap_within_a_body_costs_its_bytes() -> None:
    talk = sample()
    packets = packets_of(talk.turns, mss=100).packets
    body = Random(19).randbytes(19 * 150)
    inside = next(at for at, one in enumerate(packets) if one[1][-60:] in body[500:])
    found = list(unpacket.http(packets[:inside] + packets[inside + 1 :]))
    assert [one.pairing for one in found] == ["known"] * 10
    assert all(one.complete for one in found[:-1])
    last = found[-1].response
    (hole,) = last.holes
    assert hole.length == 100
    assert last.body_length == len(body)
    assert last.body == body[: hole.offset] + body[hole.offset + 100 :]


@pytest.mark.parametrize("seed", range(40))
def test_loss_makes_nothing_untrue(seed: int) -> None:
    random = Random(seed)
    talk = sample()
    bodies = {f"/path/{n}": Random(n).randbytes(n * 150) for n in range(1, 21, 2)}
    packets = packets_of(talk.turns, mss=random.choice((100, 400, 1400))).packets
    # The handshake, and what says that it is HTTP/2, are there.
    kept = [one for at, one in enumerate(packets) if at < 5 or random.random() > 0.08]
    for one in unpacket.http(kept):
        request, response = one.request, one.response
        named = None
        if request is not None and "header-unknown" not in request.anomalies:
            named = request.target.removeprefix("https://h.example")
            if "malformed-header" not in request.anomalies:
                assert named in bodies
                assert request.header("x-number") in (None, named.rpartition("/")[2])
        if response is None or not response.body:
            continue
        holes = response.holes
        first = response.body[: holes[0].offset] if holes else response.body
        if response.complete:
            assert response.body in bodies.values()
            if named is not None:
                assert response.body == bodies[named]
        elif "frames-lost" not in response.anomalies:
            assert any(body.startswith(first) for body in bodies.values())


def test_a_connection_that_had_begun_marks_what_it_cannot_know() -> None:
    talk = sample()
    packets = packets_of(talk.turns).packets[20:]
    found = list(unpacket.messages(packets))
    assert found
    assert {one.protocol for one in found if isinstance(one, Message)} == {"http2"}
    requests = [one for one in found if hasattr(one, "method")]
    assert requests
    for one in requests:
        # Authority and scheme are references to what was not captured.
        assert "header-unknown" in one.anomalies
        # Its name was seen before, and its value is written out.
        assert [value for name, value in one.headers if name == "?" and value.isdigit()]


def test_header_blocks_are_bounded() -> None:
    talk = Talk()
    bomb = [(":method", "GET"), ("x", "y" * 3000)] + [("x", "y" * 3000)] * 3000
    talk.send(0, talk.headers(0, 1, bomb, ends=True, cut=16000))
    talk.ask(3, "/fine", b"body")
    layer = Layer(Http2(), exchanges=True)
    found = layer.feed(unpacket.events(packets_of(talk.turns).packets))
    found += layer.finish()
    found.sort(key=lambda one: one.number)
    assert len(found) == 2
    assert len(found[0].request.head) < 100
    assert "header-unknown" in found[0].request.anomalies


def test_continuations_without_end_are_bounded() -> None:
    talk = Talk()
    flood = frame(HEADERS, 1, b"") + frame(CONTINUATION, 1, b"\x82" * 16000) * 100
    talk.send(0, flood)
    layer = Layer(Http2(), exchanges=True)
    for event in unpacket.events(packets_of(talk.turns).packets):
        layer.feed([event])
        assert layer.waiting_bytes < 1 << 20
    layer.finish()


@pytest.mark.parametrize("seed", range(40))
def test_noise_never_raises(seed: int) -> None:
    random = Random(seed)
    talk = sample()
    turns = []
    for side, sent in talk.turns:
        altered = bytearray(sent)
        for _ in range(random.randrange(3)):
            altered[random.randrange(len(altered))] = random.randrange(256)
        turns.append((side, bytes(altered)))
    turns.insert(random.randrange(2, len(turns)), (1, random.randbytes(300)))
    for one in unpacket.http(packets_of(turns).packets):
        assert one.pairing in ("known", "none", "lost", "unknown")
        str(one)
