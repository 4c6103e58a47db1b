"""The inspectors that come with unpacket, over an engine between two crafted ends."""

import http.client
import io
import json
import ssl
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builder import FIN
from tests.inline.ends import CLIENT, SERVER, Wire
from unpacket import Direction
from unpacket.inline import ACCEPT, RESET
from unpacket.inline.hosts import AllowHosts, server_name
from unpacket.inline.inspectors import Block, Chain, Log
from unpacket.inline.replacing import ReplaceText
from unpacket.inline.verdicts import FunctionInspector, as_inspector

GET = b"GET /x HTTP/1.1\r\nHost: a.example\r\nAccept-Encoding: gzip\r\n\r\n"


class Talk:
    """Speaks in whole texts over a wire, cut as wanted, all of it acknowledged."""

    def __init__(self, inspector: object) -> None:
        self.wire = Wire(inspector)
        self.wire.handshake()
        self._sent = [0, 0]

    def say(self, side: int, text: bytes, *sizes: int, end: bool = False) -> None:
        at = 0
        cuts = [*sizes, len(text)]
        while at < len(text) or (end and not text):
            part = text[at : at + (cuts.pop(0) if len(cuts) > 1 else cuts[0])]
            is_last = at + len(part) == len(text)
            self.wire.send(
                side,
                1 + self._sent[side],
                part,
                ack=self.wire.receivers[1 - side].acknowledges,
                flags=FIN if end and is_last else 0,
            )
            self._sent[side] += len(part)
            at += len(part)
            self.wire.acknowledge(side)
            if is_last:
                return

    def heard(self, side: int) -> bytes:
        """Return what the receiver of a side has read."""
        return bytes(self.wire.receivers[side].read)


def body_of(response: bytes) -> bytes:
    """Return the body of a response, as Python's own client reads it."""

    class Socket:
        def makefile(self, mode: str) -> io.BytesIO:
            return io.BytesIO(response)

    read = http.client.HTTPResponse(Socket())  # type: ignore[arg-type]
    read.begin()
    return read.read()


BODY = b"a cat, a cat and a cat; ca, cat"
RESPONSES = {
    "with its length": b"HTTP/1.1 200 OK\r\nContent-Length: 31\r\n\r\n" + BODY,
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\na cat\r\n4;x=y\r\n, a \r\n16\r\n" + BODY[9:] + b"\r\n0\r\nT: 1\r\n\r\n",
    "of HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 31\r\n\r\n" + BODY,
    "until the end": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + BODY,
}


@pytest.mark.parametrize("name", RESPONSES)
@pytest.mark.parametrize("other", [b"elephant", b"dog", b"x"])
def test_a_response_has_its_length_again(name: str, other: bytes) -> None:
    response = RESPONSES[name]
    inspector = ReplaceText(b"cat", other)
    talk = Talk(inspector)
    talk.say(CLIENT, GET)
    talk.say(SERVER, response, end=name != "chunked")
    assert body_of(talk.heard(SERVER)) == BODY.replace(b"cat", other)
    assert (inspector.replaced, inspector.refused) == (4, 0)
    asked = talk.heard(CLIENT)
    changed = len(other) != 3
    assert (b"Accept-Encoding" in asked) is not changed


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(RESPONSES)),
    st.sampled_from([b"elephant", b"x", b""]),
    st.lists(st.integers(1, 40), min_size=1, max_size=12),
    st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_a_response_in_any_cut_stays_in_order(
    name: str, other: bytes, sizes: list[int], pauses: list[bool]
) -> None:
    inspector = ReplaceText(b"cat", other)
    talk = Talk(inspector)
    talk.say(CLIENT, GET)
    text = RESPONSES[name]
    for size, pause in zip([*sizes, len(text)], [*pauses, False], strict=False):
        part, text = text[:size], text[size:]
        if part:
            talk.say(SERVER, part, end=not text)
        if pause:
            talk.wire.wait(0.3)
            talk.wire.acknowledge(SERVER)
    body = body_of(talk.heard(SERVER))
    left = body.count(b"cat") if other != b"" else 4 - inspector.replaced
    assert body.replace(b"cat", other) == BODY.replace(b"cat", other)
    # Only what had to go on, or could not be put in order, is as it was.
    assert left == 4 - inspector.replaced
    if not any(pauses) and other == b"elephant":
        assert left == 0
    assert not talk.wire.engine.statistics.failures


def test_a_request_waits_for_its_end() -> None:
    inspector = ReplaceText(b"cat", b"tiger")
    talk = Talk(inspector)
    talk.say(
        CLIENT, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na cat", 60
    )
    assert talk.heard(CLIENT) == b""
    talk.say(CLIENT, b" sat" + GET)
    assert talk.heard(CLIENT).startswith(
        b"POST / HTTP/1.1\r\nContent-Length: 11\r\nHost: a\r\n\r\na tiger satGET /x"
    )


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Encoding: gzip\r\nContent-Length: 3\r\n",
        b"Content-Length: 3\r\nConnection: keep-alive\r\n",
    ],
)
def test_what_cannot_be_put_in_order_stays_as_it_is(head: bytes) -> None:
    inspector = ReplaceText(b"cat", b"tiger")
    talk = Talk(inspector)
    talk.say(CLIENT, GET)
    response = b"HTTP/1.0 200 OK\r\n" + head + b"\r\ncat"
    talk.say(SERVER, response)
    assert talk.heard(SERVER) == response
    assert inspector.refused == 1


def test_text_that_is_no_http_is_replaced_too() -> None:
    talk = Talk(ReplaceText(b"cat", b"tiger"))
    talk.say(CLIENT, b"hello cat, ca", 9)
    talk.say(CLIENT, b"t\n")
    assert talk.heard(CLIENT) == b"hello tiger, tiger\n"


def test_only_one_direction_is_replaced() -> None:
    talk = Talk(ReplaceText(b"cat", b"dog", direction=Direction.SERVER))
    talk.say(CLIENT, b"a cat")
    talk.say(SERVER, b"a cat")
    assert (talk.heard(CLIENT), talk.heard(SERVER)) == (b"a cat", b"a dog")


@pytest.mark.parametrize("size", range(1, 11))
def test_a_word_in_any_cut_is_blocked(size: int) -> None:
    inspector = Block(b"forbidden")
    talk = Talk(inspector)
    talk.say(CLIENT, b"a forbidden word", *[size] * 20)
    assert b"forbidden" not in talk.heard(CLIENT)
    assert inspector.blocked == 1
    talk.say(SERVER, b"forbidden"[:8])
    assert talk.heard(SERVER) == b"forbidde"


def test_the_log_has_a_line_for_each_event() -> None:
    file = io.StringIO()
    talk = Talk(Log(file, payload=True))
    talk.say(CLIENT, b"hello", end=True)
    talk.say(SERVER, b"", end=True)
    lines: list[dict[str, Any]] = [
        json.loads(line) for line in file.getvalue().splitlines()
    ]
    kinds = [line["event"] for line in lines]
    assert kinds == ["opened", "data", "finished", "finished", "closed"]
    assert lines[1]["payload"] == "hello"
    assert (lines[1]["client"], lines[1]["server"]) == ("10.0.0.1:40000", "10.0.0.2:80")
    assert lines[4]["reason"] == "fin"


def hello_of(name: str | None) -> bytes:
    """Return the ClientHello that Python's own TLS sends."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    context.check_hostname = False
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


HOSTS = ("a.example", "*.b.example")


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("a.example", True),
        ("A.Example", True),
        ("x.b.example", True),
        ("y.x.b.example", True),
        ("b.example", False),
        ("evila.example", False),
        (None, False),
    ],
)
@pytest.mark.parametrize("size", [1, 40, 5000])
def test_tls_goes_to_listed_hosts_alone(
    name: str | None, allowed: bool, size: int
) -> None:
    inspector = AllowHosts(*HOSTS)
    talk = Talk(inspector)
    hello = hello_of(name)
    talk.say(CLIENT, hello, *[size] * (len(hello) // size))
    assert talk.heard(CLIENT) == (hello if allowed else b"")
    assert talk.wire.receivers[CLIENT].is_reset is not allowed
    assert inspector.refused == ({} if allowed else {name or "": 1})


@pytest.mark.parametrize("size", [1, 10, 500])
def test_each_request_is_asked_for_its_host(size: int) -> None:
    talk = Talk(AllowHosts(*HOSTS))
    other = GET.replace(b"a.example", b"evil.example")
    talk.say(CLIENT, GET + GET + other, *[size] * 400)
    assert b"evil.example" not in talk.heard(CLIENT)
    assert talk.wire.receivers[CLIENT].is_reset
    if size == 1:
        assert talk.heard(CLIENT) == GET + GET


@pytest.mark.parametrize(
    ("head", "allowed"),
    [
        (b"GET / HTTP/1.1\r\nHost: a.example:8080\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nHost: evil\r\nHost: a.example\r\n\r\n", False),
        (b"GET http://a.example/ HTTP/1.1\r\nHost: evil\r\n\r\n", True),
        (b"GET http://evil/ HTTP/1.1\r\nHost: a.example\r\n\r\n", False),
        (b"GET http://a.example@evil/ HTTP/1.1\r\nHost: a.example\r\n\r\n", False),
        (b"CONNECT a.example:443 HTTP/1.1\r\n\r\n\x16\x03\x01", True),
        (b"GET / HTTP/1.0\r\n\r\n", False),
    ],
)
def test_the_host_is_the_one_that_servers_take(head: bytes, allowed: bool) -> None:
    talk = Talk(AllowHosts(*HOSTS))
    talk.say(CLIENT, head)
    assert talk.heard(CLIENT) == (head if allowed else b"")


def test_what_is_neither_is_refused() -> None:
    talk = Talk(AllowHosts(*HOSTS))
    talk.say(CLIENT, b"SSH-2.0-x\r\n")
    assert talk.heard(CLIENT) == b""


@pytest.mark.parametrize("length", range(0, 520, 7))
def test_a_cut_hello_waits_or_is_none(length: int) -> None:
    hello = hello_of("a.example")
    expected = None if length < len(hello) else "a.example"
    assert server_name(hello[:length]) == expected
    damaged = hello[:length] + b"\xff" + hello[length + 1 :]
    assert server_name(damaged) in {None, ""} or isinstance(server_name(damaged), str)


def test_the_first_that_does_not_accept_decides() -> None:
    never = FunctionInspector(lambda arrival: pytest.fail("it is not asked"))
    asked = FunctionInspector(lambda arrival: ACCEPT)
    resets = FunctionInspector(lambda arrival: RESET)
    talk = Talk(Chain([asked, resets, never]))
    assert talk.wire.engine.statistics.dropped["inspector"] >= 1


def test_what_is_no_inspector_is_refused() -> None:
    with pytest.raises(TypeError, match="is no inspector"):
        as_inspector(5)

    class Half:
        def inspect(self, arrival: object) -> None: ...

    with pytest.raises(TypeError, match="needs `replaces` and `ended`"):
        as_inspector(Half)
