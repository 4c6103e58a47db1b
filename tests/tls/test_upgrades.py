"""TLS that begins within a stream: with keys, the protocol before it goes on inside."""

from pathlib import Path

import pytest

import unpacket
from tests.tls.speaking import Ends, Session, Turn, packets_of
from unpacket.messages import Answer, Framer, Layer, message, need
from unpacket.messages.http.framing import Http
from unpacket.messages.results import Message

BEFORE: list[Turn] = [
    (1, b"220 ready\r\n"),
    (0, b"STARTTLS\r\n"),
    (1, b"220 go ahead\r\n"),
]


class Mail(Framer):
    """Lines, behind one of which TLS begins."""

    name = "mail"

    def frame(self, data: bytes, start: int, ended: bool) -> Answer:
        end = data.find(b"\n", start)
        if end < 0:
            return need()
        answer = message(end + 1 - start)
        if data[start:end].startswith(b"220 go"):
            answer.tunnels = True
            answer.protocol = "tls"
            answer.head = answer.length
        return answer

    def tunnel(self, protocol: str | None, opener: Message | None) -> Framer | None:
        from unpacket.messages.framers.tls.framer import Tls

        return Tls() if protocol == "tls" else None


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "keys.log"


def session(log: Path) -> Session:
    found = Session(Ends(log))
    found.ask(b"EHLO again\r\n", b"250 fine\r\n")
    found.close()
    return found


@pytest.mark.parametrize("mss", [1400, 1])
def test_the_protocol_goes_on_in_what_tls_carries(log: Path, mss: int) -> None:
    packets = packets_of([*BEFORE, *session(log).turns], mss=mss).packets
    found = unpacket.messages(packets, Mail(), keys=log)
    assert [(one.protocol, one.body) for one in found] == [
        ("mail", b"220 ready\r\n"),
        ("mail", b"STARTTLS\r\n"),
        ("mail", b""),
        ("mail", b"EHLO again\r\n"),
        ("mail", b"250 fine\r\n"),
    ]


def test_without_keys_it_is_records(log: Path) -> None:
    packets = packets_of([*BEFORE, *session(log).turns]).packets
    found = list(unpacket.messages(packets, Mail()))
    assert [one.protocol for one in found[:3]] == ["mail"] * 3
    assert {(one.protocol, one.known_by) for one in found[3:]} == {("tls", "upgrade")}


CONNECT: list[Turn] = [
    (0, b"CONNECT h.example:443 HTTP/1.1\r\nHost: h.example:443\r\n\r\n"),
    (1, b"HTTP/1.1 200 Connection established\r\n\r\n"),
]


def test_what_a_proxy_passes_on_is_decrypted(log: Path) -> None:
    inside = Session(Ends(log))
    inside.ask(
        b"GET /in HTTP/1.1\r\nHost: h.example\r\n\r\n", b"HTTP/1.1 204 No\r\n\r\n"
    )
    packets = packets_of([*CONNECT, *inside.turns]).packets
    framer = Http({"http": Http()})
    layer = Layer(framer, exchanges=True)
    found = layer.feed(unpacket.events(packets, keys=log)) + layer.finish()
    assert [one.request.method for one in found] == ["CONNECT", "GET"]
    assert found[1].response.status == 204
