"""What Sniffer::Connection and the tests of Sniffer-HTTP ask for."""

from tests.builder import FIN, SECOND, Conversation
from tests.seeds.following import Following
from unpacket import Policy

SNIFFER = Policy.preset("sniffer")


def test_s1_padding_is_no_data() -> None:
    request = b"GET /does_not_exist HTTP/1.1\r\n".ljust(131, b"q")
    response = b"HTTP/1.1 404 Not Found\r\n".ljust(405, b"r")
    talk = Conversation(("192.168.1.2", 2537), ("192.168.1.3", 80))
    talk.handshake()
    talk.client(1, request)
    talk.server(1, ack=132, pad=True)
    talk.server(1, response)
    talk.server(406, flags=FIN, pad=True)
    talk.client(132, ack=407)
    talk.client(132, flags=FIN)
    talk.server(407, ack=133, pad=True)
    following = Following(SNIFFER)
    following.feed(talk)
    assert following.told("client") == [request]
    assert following.told("server") == [response]
    assert following.told("closed") == ["fin"]
    assert following.follower.live_streams() == []


def test_s2_two_requests_in_one_connection() -> None:
    said = [
        ("client", b"a" * 414),
        ("server", b"b" * 443),
        ("client", b"c" * 330),
        ("server", b"d" * 438),
    ]
    talk = Conversation(("192.168.1.2", 2929), ("192.168.1.3", 80))
    talk.handshake()
    talk.client(1, said[0][1])
    talk.server(1, said[1][1], ack=415)
    talk.client(415, said[2][1], ack=444)
    talk.server(444, said[3][1], ack=745)
    talk.client(745, ack=882)
    following = Following(SNIFFER)
    following.feed(talk)
    assert following.calls == said
    follower = following.follower
    assert follower.stale_streams(10.0, talk.now_ns + 10 * SECOND) == []
    assert follower.live_streams() == [following.stream]
    later = talk.now_ns + 11 * SECOND
    assert follower.stale_streams(10.0, later) == [following.stream]
    follower.remove(following.stream)
    assert follower.live_streams() == []
    assert following.told("closed") == ["user"]


def test_s5_bytes_come_once_they_are_acknowledged() -> None:
    following = Following(SNIFFER)
    talk = Conversation(client_isn=100, server_isn=500)
    talk.handshake()
    assert following.feed(talk) == []
    assert following.feed([talk.client(1, b"req")]) == []
    calls = following.feed([talk.server(1, b"resp", ack=4)])
    assert calls == [("client", b"req")]
    assert following.feed([talk.client(4, ack=5)]) == [("server", b"resp")]
    following.feed([talk.client(4, flags=FIN)])
    calls = following.feed([talk.server(5, ack=5, flags=FIN)])
    assert calls == [("finished", "client")]
    calls = following.feed([talk.client(5, ack=6)])
    assert calls == [("finished", "server"), ("closed", "fin"), ("teardown",)]


def test_s6_what_was_acknowledged_but_not_captured_is_a_gap() -> None:
    talk = Conversation(client_isn=100, server_isn=500)
    talk.handshake()
    talk.client(1, b"aaa")
    talk.client(7, b"ccc")
    talk.server(1, ack=10)
    following = Following(SNIFFER)
    calls = following.feed(talk)
    assert calls == [("client", b"aaa"), ("gap", 3, 3), ("client", b"ccc")]


def test_s7_a_duplicate_comes_once() -> None:
    talk = Conversation(client_isn=100, server_isn=500)
    talk.handshake()
    talk.client(1, b"req")
    talk.server(1, ack=4)
    talk.client(1, b"req")
    talk.server(1, ack=4)
    assert Following(SNIFFER).follow(talk).told("client") == [b"req"]
