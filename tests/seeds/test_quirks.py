"""Where the seeds disagree or are wrong, and what is required of this library."""

import pytest

from tests.builder import ACK, CWR, ECE, FIN, RST, SYN, Conversation
from tests.talk import CLIENT, SERVER, Told, feed_all, payload_of, said
from unpacket import Policy
from unpacket.policy import RstRule

C, S = "client", "server"


def talking() -> Conversation:
    talk = Conversation(client_isn=100, server_isn=500)
    talk.handshake()
    return talk


def told(talk: Conversation, policy: Policy | None = None) -> Told:
    """Return what was said, the opening and the end of the capture left out."""
    events = said(feed_all(talk.frames, policy, notes=True))
    assert events[0][0] == "opened"
    dull = ("opened", "end_of_capture")
    return [event for event in events if not set(dull) & set(event)]


def test_q1_duplicate() -> None:
    talk = talking()
    talk.client(1, b"hello")
    talk.client(1, b"hello")
    assert told(talk) == [("data", C, 0, b"hello"), ("note", C, "duplicate", 0)]


def test_q2_keep_alive() -> None:
    talk = talking()
    talk.client(1, b"hello")
    talk.client(5, b"\0")
    assert told(talk) == [("data", C, 0, b"hello"), ("note", C, "keep_alive", 4)]


def test_q3_partial_overlap() -> None:
    talk = talking()
    talk.client(1, b"hello")
    talk.client(3, b"LLOworld")
    events = told(talk)
    assert ("conflict", C, 2, b"llo", b"LLO") in events
    data = [event for event in events if event[0] == "data"]
    assert data == [("data", C, 0, b"hello"), ("data", C, 5, b"world")]


def test_q4_fast_open() -> None:
    talk = Conversation(client_isn=100, server_isn=500)
    talk.client(0, b"TFODATA", ack=None, flags=SYN)
    talk.server(0, ack=8, flags=SYN)
    talk.client(8, b"rest", ack=1)
    events = feed_all(talk.frames)
    assert payload_of(events, CLIENT) == b"TFODATArest"
    assert not any(event[0] in ("gap", "rejected") for event in said(events))


def test_q5_fin_waits_for_the_gap() -> None:
    talk = talking()
    talk.client(1, b"hello")
    talk.client(11, b"world", flags=FIN)
    talk.server(1, flags=FIN)
    talk.client(6, b"gap-f")
    events = feed_all(talk.frames)
    assert payload_of(events, CLIENT) == b"hellogap-fworld"
    assert said(events)[-1] == ("closed", "fin")


@pytest.mark.parametrize(("rst", "closes"), [("window", False), ("any", True)])
def test_q6_blind_rst(rst: RstRule, closes: bool) -> None:
    talk = talking()
    talk.server(99999999, ack=1, flags=RST, raw=True)
    talk.client(1, b"hello")
    talk.server(1, ack=6)
    policy = Policy(rst=rst, close_grace_s=0.0)
    events = told(talk, policy)
    assert (("closed", "rst") in events) is closes
    assert (("data", C, 0, b"hello") in events) is not closes


def test_q7_second_handshake() -> None:
    talk = talking()
    talk.client(1, b"first")
    again = Conversation(
        client_isn=700_000_000, server_isn=800_000_000, frames=talk.frames
    )
    again.now_ns = talk.now_ns
    again.handshake()
    again.client(1, b"second")
    events = feed_all(talk.frames)
    kinds = [event[0] for event in said(events)]
    assert kinds == ["opened", "data", "closed", "opened", "data", "closed"]
    assert said(events)[2] == ("closed", "reused")
    assert [event.stream.id for event in events] == [0, 0, 0, 1, 1, 1]
    assert payload_of(events, CLIENT) == b"firstsecond"


def test_q8_syn_ack_before_syn() -> None:
    talk = Conversation(client_isn=100, server_isn=500)
    talk.server(0, ack=1, flags=SYN)
    talk.client(0, ack=None, flags=SYN)
    talk.client(1, b"ask", ack=1, flags=ACK)
    talk.server(1, b"answer", ack=4)
    events = feed_all(talk.frames)
    assert payload_of(events, CLIENT) == b"ask"
    assert payload_of(events, SERVER) == b"answer"
    assert events[0].stream.client.port == 40000


def test_q9_wrap() -> None:
    talk = Conversation(client_isn=(1 << 32) - 5)
    talk.handshake()
    talk.client(1, b"0123456789")
    talk.client(16, b"fghij")
    talk.client(11, b"abcde")
    events = feed_all(talk.frames)
    assert payload_of(events, CLIENT) == b"0123456789abcdefghij"


def test_q10_ecn() -> None:
    talk = Conversation(client_isn=100, server_isn=500)
    talk.client(0, ack=None, flags=SYN | ECE | CWR)
    talk.server(0, ack=1, flags=SYN | ECE)
    talk.client(1, b"hello", ack=1)
    assert told(talk) == [("data", C, 0, b"hello")]


def test_q11_half_close() -> None:
    talk = talking()
    talk.client(1, b"ask", flags=FIN)
    talk.server(1, b"answer", ack=5)
    talk.server(7, flags=FIN)
    talk.client(5, ack=8)
    assert told(talk) == [
        ("data", C, 0, b"ask"),
        ("finished", C),
        ("data", S, 0, b"answer"),
        ("finished", S),
        ("closed", "fin"),
    ]


def test_q12_the_end_of_the_capture() -> None:
    talk = talking()
    talk.client(1, b"hello")
    talk.client(11, b"world")
    assert said(feed_all(talk.frames))[1:] == [
        ("data", C, 0, b"hello"),
        ("gap", C, 5, 5, "unacknowledged"),
        ("data", C, 10, b"world"),
        ("closed", "end_of_capture"),
    ]
