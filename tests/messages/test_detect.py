"""Which framer a stream gets, and why; framers by name, and of other packages."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import unpacket
from tests.builder import SERVER_END, Conversation, write_pcap
from tests.messages.framers import wire
from tests.messages.halves import Turn, events_of, items_of
from unpacket.messages import Answer, Framer, Layer, Message, Tunnel, message
from unpacket.messages.detect import Choice, Detect, detect
from unpacket.messages.framers import registry
from unpacket.messages.framers.registry import FramerError

REQUEST = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HELLO = wire.record(22, wire.client_hello([0x1301], wire.server_name(b"h")))
QUERY = wire.dns([wire.question("example.org")])
FRAMERS = registry.all_framers()


class Pings(Framer):
    """A protocol that cannot say how it begins."""

    name = "pings"
    ports = (7777,)

    def frame(self, data: bytes, start: int, ended: bool) -> Answer:
        return message(1)


def choice(first: list[bytes], port: int = 9, **options: Any) -> Any:
    found = detect(first, (40000, port), [*FRAMERS, Pings()], **options)
    return None if found is None else (found.name, found.known_by)


@pytest.mark.parametrize(
    ("first", "port", "expected"),
    [
        pytest.param([REQUEST, b""], 9, ("http", "content"), id="a request"),
        pytest.param([b"", RESPONSE], 9, ("http", "content"), id="a response alone"),
        pytest.param([b"FOO /x HTTP/1.1\r\n", b""], 9, ("http", "content"), id="FOO"),
        pytest.param([b"GET /old\r\n", b""], 9, ("http", "content"), id="HTTP/0.9"),
        pytest.param([b"\r\n" + REQUEST, b""], 9, ("http", "content"), id="a line"),
        pytest.param([HELLO, b""], 80, ("tls", "content"), id="content before port"),
        pytest.param([QUERY, b""], 9, ("dns", "content"), id="a query"),
        pytest.param([b"EHLO x\r\n", b"220 hi\r\n"], 443, ("smtp", "content"),
                     id="a hello that is not of TLS"),
        pytest.param([b"USER x\r\n", b"220 hi\r\n"], 9, ("ftp", "content"),
                     id="what neither side says alone"),
        pytest.param([b"USER x\r\n", b"+OK hi\r\n"], 9, ("pop3", "content"),
                     id="nor the other one"),
        pytest.param([b"USER x\r\n", b""], 21, ("ftp", "port 21"),
                     id="one side alone, and a port"),
        pytest.param([b"say hi\r\n", b"hi\r\n"], 443, ("unknown", None),
                     id="a port that the bytes contradict"),
        pytest.param([b"SSH-2.0-a\r\n", b"SSH-2.0-b\r\n"], 9, ("ssh", "content"),
                     id="SSH"),
        pytest.param([b"ping", b"pong"], 7777, ("pings", "port 7777"), id="a port"),
        pytest.param([b"ping", b"pong"], 7778, ("unknown", None), id="nothing"),
        pytest.param([b"GET is a word\r\n", b""], 9, ("unknown", None), id="prose"),
        pytest.param([b"\x16\3\1\0\5\x0f", b""], 9, ("unknown", None), id="no hello"),
        pytest.param([b"\0\x1d" + bytes(40), b""], 9, ("unknown", None), id="zeros"),
    ],
)  # fmt: skip
def test_content_first_and_port_second(
    first: list[bytes], port: int, expected: tuple[str, str | None]
) -> None:
    assert choice(first, port) == expected


def test_what_no_framer_is_for_has_a_name_all_the_same() -> None:
    found = detect([b"SSH-2.0-a\r\n", b"SSH-2.0-b\r\n"], (40000, 22), [Pings()])
    assert found == Choice("ssh", None, None)


def test_of_a_stream_that_was_there_before_the_port_decides() -> None:
    late = (True, True)
    assert choice([b"\x99" * 50, b""], 443, late=late) == ("tls", "port 443")
    assert detect([b"\x99", b""], (53, 40000), FRAMERS, late=late) == Choice(
        "dns", FRAMERS[2], "port 53"
    )
    # The port of a client means nothing, where the client is known.
    assert choice([b"\x99", b""], 53, late=late) == ("dns", "port 53")
    assert detect([b"\x99", b""], (53, 40000), FRAMERS) == Choice("unknown", None, None)


@pytest.mark.parametrize("whole", [REQUEST, HELLO, QUERY, b"hello x\r\n"])
def test_too_few_bytes_wait_for_more(whole: bytes) -> None:
    found = [choice([whole[:n], b""], ended=False) for n in range(len(whole) + 1)]
    known = [one for one in found if one is not None]
    # Never one answer first, and another one later.
    assert len(set(known)) <= 1
    if b"hello" in whole:
        assert not known
    else:
        assert known[-1][1] == "content"


def test_each_stream_gets_its_own(tmp_path: Path) -> None:
    frames = []
    said = {
        8080: (REQUEST, RESPONSE),
        444: (HELLO, b""),
        54: (QUERY, b""),
        25: (b"?", b"!"),
    }
    for number, (port, (asked, answered)) in enumerate(said.items()):
        talk = Conversation(
            client=("10.0.0.1", 40000 + number), server=(SERVER_END[0], port)
        )
        talk.handshake()
        talk.client(1, asked, ack=1)
        if answered:
            talk.server(1, answered, ack=1 + len(asked))
        frames += list(talk)
    path = tmp_path / "c.pcap"
    write_pcap(path, frames)
    items = list(unpacket.messages(path))
    found = {item.stream.server.port: item for item in items}
    assert {port: item.protocol for port, item in found.items()} == {
        8080: "http",
        444: "tls",
        54: "dns",
        25: "unknown",
    }
    assert found[54].known_by == "content"
    assert isinstance(found[25], Tunnel)
    assert found[25].lengths == (1, 1)
    assert all(
        isinstance(one, Message) for one in unpacket.messages(path, skipped=False)
    )


def test_what_waits_for_the_choice_is_bounded() -> None:
    layer = Layer(Detect(), max_queued_bytes=5000)
    most = 0
    found = []
    turns: list[Turn] = [(0, b"GET /" + b"x" * 50_000 + b" HTTP/1.1\r\n\r\n")]
    for event in events_of(turns):
        found += layer.feed([event])
        most = max(most, layer.waiting_bytes)
    assert most <= 7000
    (tunnel,) = found
    assert tunnel.lengths == (50_018, 0)


def test_a_stream_without_a_byte_has_nothing() -> None:
    assert items_of(events_of([]), Detect()) == []


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        pytest.param([(0, HELLO)], [("tls", "content")], id="TLS"),
        pytest.param(
            [(0, REQUEST), (1, RESPONSE)], [("http", "content")] * 2, id="HTTP"
        ),
        pytest.param(
            [(0, HELLO[:3]), (0, HELLO[3:])], [("tls", "content")], id="in two pieces"
        ),
        pytest.param([(1, b"220 mail\r\n" * 2)], [("unknown", None)], id="neither"),
        pytest.param([(0, b"ab")], [("unknown", None)], id="hardly anything"),
    ],
)
def test_behind_connect_the_bytes_choose(
    inside: list[Turn], expected: list[tuple[str, str | None]]
) -> None:
    asked = b"CONNECT h:443 HTTP/1.1\r\n\r\n"
    opening: list[Turn] = [(0, asked), (1, b"HTTP/1.1 200 OK\r\n\r\n")]
    items = items_of(events_of([*opening, *inside]), registry.http())
    found = [(one.protocol, getattr(one, "known_by", None)) for one in items]
    assert found == [("http", None)] * 2 + expected


def test_a_hole_where_a_tunnel_begins_is_no_reason_to_guess() -> None:
    asked = b"CONNECT h:443 HTTP/1.1\r\n\r\n"
    turns: list[Turn] = [(0, asked), (1, b"HTTP/1.1 200 OK\r\n\r\n"), (0, 5)]
    data = wire.record(23, b"a" * 90)
    items = items_of(events_of([*turns, (0, data * 3)]), registry.http())
    assert [type(item) for item in items[2:]] == [Tunnel]
    hello = [*turns[:2], (0, HELLO), (1, 5), (1, data * 2)]
    items = items_of(events_of(hello), registry.http())
    assert [one.body_length for one in items[3:]] == [90, 90]


def test_exchanges_inside_of_a_tunnel_are_paired() -> None:
    asked = b"CONNECT h:80 HTTP/1.1\r\n\r\n"
    opening: list[Turn] = [(0, asked), (1, b"HTTP/1.1 200 OK\r\n\r\n")]
    layer = Layer(registry.http(), exchanges=True)
    found = layer.feed(events_of([*opening, (0, REQUEST * 2), (1, RESPONSE * 2)]))
    assert [one.pairing for one in found] == ["known"] * 3
    assert [str(one.request) for one in found][1:] == ["GET http://h/"] * 2


# Framers by their names.


def test_a_name_is_a_framer(tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"one\ntwo\n", ack=1)
    write_pcap(tmp_path / "c.pcap", list(talk))
    found = list(unpacket.messages(tmp_path / "c.pcap", "lines"))
    assert [one.text for one in found] == ["one", "two"]


@pytest.mark.parametrize("name", registry.OWN)
def test_every_name_makes_a_framer_of_that_name(name: str) -> None:
    assert registry.framer_named(name).name == name


def test_a_name_that_is_none_is_answered_with_the_list() -> None:
    with pytest.raises(ValueError, match=r"mean 'tls'\? There are http, tls, dns"):
        unpacket.messages("none.pcap", "tsl")
    with pytest.raises(TypeError, match="neither a Framer nor a name"):
        unpacket.messages("none.pcap", 7)  # type: ignore[arg-type]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A distribution with a framer and others that are none, as pip installs one."""
    site = tmp_path / "site"
    info = site / "quips-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: quips\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[unpacket.framers]\nquip = quips:Quip\nbroken = quips:Absent\n"
        "wrong = quips:int\nhttp = quips:Quip\n"
    )
    (site / "quips.py").write_text(
        "from unpacket.messages import Framer, message, need\n"
        "class Quip(Framer):\n"
        "    name = 'quip'\n"
        "    ports = (1717,)\n"
        "    def frame(self, data, start, ended):\n"
        "        end = data.find(b'!', start)\n"
        "        return need() if end < 0 else message(end + 1 - start)\n"
        "int = int\n"
    )
    monkeypatch.syspath_prepend(str(site))
    registry.registered.cache_clear()
    yield site
    registry.registered.cache_clear()
    sys.modules.pop("quips", None)


def test_a_package_registers_a_framer(installed: Path, tmp_path: Path) -> None:
    assert registry.names()[-3:] == ["broken", "quip", "wrong"]
    talk = Conversation(server=("10.0.0.2", 1717))
    talk.handshake()
    talk.client(1, b"one!two!", ack=1)
    talk.server(1, b"ha!", ack=9)
    path = tmp_path / "c.pcap"
    write_pcap(path, list(talk))
    found = list(unpacket.messages(path, "quip"))
    assert sorted(one.body for one in found) == [b"ha!", b"one!", b"two!"]
    with pytest.warns(UserWarning, match="of package quips") as warned:
        found = list(unpacket.messages(path))
    assert {one.known_by for one in found} == {"port 1717"}
    assert len(warned) == 2
    # What is ours stays ours.
    assert registry.framer_named("http").name == "http"


def test_a_framer_that_cannot_be_used_is_named(installed: Path) -> None:
    with pytest.raises(FramerError, match="framer broken of package quips: quips:Ab"):
        registry.framer_named("broken")
    with pytest.raises(FramerError, match="makes no Framer"):
        registry.framer_named("wrong")
