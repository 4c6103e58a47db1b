"""What is remembered of streams that were forgotten, and what that is good for."""

from typing import Any

import pytest

from tests.builder import FIN, RST, Frame
from tests.talk import CLIENT, Talk, feed_all
from unpacket import Closed, Opened, Policy

IDLE: dict[str, Any] = {"idle_timeout_s": 300}


def idle_talk(**conversation: Any) -> Talk:
    """Return a talk of three bytes each way that was forgotten since."""
    talk = Talk(conversation=conversation, **IDLE)
    talk.handshake()
    talk.client(0, b"abc", ack=0)
    talk.server(0, b"xyz", ack=3)
    talk.client(3, ack=3)
    assert talk.wait(400) == [("closed", "timeout")]
    return talk


@pytest.mark.parametrize("isn", [1000, (1 << 32) - 5])
@pytest.mark.parametrize("client_first", [True, False])
@pytest.mark.parametrize("family", [4, 6])
def test_a_forgotten_stream_that_speaks_in_sequence_goes_on(
    isn: int, client_first: bool, family: int
) -> None:
    ends: dict[str, Any] = {"client": ("10.0.0.3", 5432), "server": ("10.0.0.2", 9000)}
    if family == 6:
        ends = {"client": ("fe80::3", 5432), "server": ("fe80::2", 9000)}
    talk = idle_talk(client_isn=isn, server_isn=isn + 3, **ends)
    said = [
        ("data", "client", 0, b"def"),
        ("data", "server", 0, b"uvw"),
    ]
    if client_first:
        assert talk.client(3, b"def", ack=3) == [("opened",), said[0]]
        assert talk.server(3, b"uvw", ack=6) == [said[1]]
    else:
        assert talk.server(3, b"uvw", ack=3) == [("opened",), said[1]]
        assert talk.client(3, b"def", ack=6) == [said[0]]
    # The roles, which neither ports nor the first packet would give.
    assert talk.stream.role_evidence == "continued"
    assert talk.stream.client.port == 5432


def test_what_is_out_of_order_there_has_its_place() -> None:
    talk = idle_talk()
    assert talk.client(6, b"ghi", ack=3) == [("opened",)]
    assert talk.client(3, b"def", ack=3) == [("data", "client", 0, b"defghi")]


def test_what_lacks_there_is_a_gap() -> None:
    talk = idle_talk()
    talk.client(6, b"ghi", ack=3)
    talk.server(3, ack=9)
    assert talk.wait(1) == [
        ("gap", "client", 0, 3, "not_captured"),
        ("data", "client", 3, b"ghi"),
    ]


@pytest.mark.parametrize("size", [0, 1])
def test_a_keep_alive_makes_no_stream_of_one_that_was_forgotten(size: int) -> None:
    talk = idle_talk()
    assert talk.client(2, b"c"[:size], ack=3) == []
    assert talk.server(3, ack=3) == []
    assert talk.client(3, b"def", ack=3) == [("opened",), ("data", "client", 0, b"def")]


def test_quite_other_numbers_are_another_connection() -> None:
    talk = idle_talk()
    talk.client(1 << 30, b"abc", ack=1 << 30)
    talk.server(1 << 30, ack=(1 << 30) + 3)
    assert talk.stream.role_evidence != "continued"


def test_who_follows_only_what_begins_does_not_go_on() -> None:
    talk = Talk(midstream=False, **IDLE)
    talk.handshake()
    talk.client(0, b"abc", ack=0)
    talk.wait(400)
    assert talk.client(3, b"def", ack=0) == []
    assert talk.assembler.not_followed == 1


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("flags", [FIN, RST, 0])
@pytest.mark.parametrize("payload", [b"", b"abc"])
@pytest.mark.parametrize("side", [0, 1])
def test_last_words_long_after_the_end_make_no_stream(
    reset: bool, flags: int, payload: bytes, side: int
) -> None:
    talk = Talk(idle_timeout_s=300)
    talk.handshake()
    talk.client(0, b"abc", ack=0)
    talk.server(0, b"xyz", ack=3)
    if reset:
        talk.client(3, ack=3, flags=RST)
    else:
        talk.client(3, ack=3, flags=FIN)
        talk.server(3, ack=4, flags=FIN)
        talk.client(4, ack=4)
    talk.wait(400)
    assert talk.stream.close_reason == ("rst" if reset else "fin")
    where = 0 if payload else 3
    assert talk.send(side, where, payload, flags=flags, ack=3 + (not reset)) == []
    assert talk.finish() == []
    assert len(talk.opened) == 1
    assert talk.assembler.late_segments == 1


def test_new_payload_long_after_the_end_is_in_a_stream() -> None:
    talk = Talk()
    talk.handshake()
    talk.client(0, b"abc", ack=0)
    talk.server(0, flags=FIN, ack=3)
    talk.client(3, flags=FIN, ack=1)
    talk.server(1, ack=4)
    talk.wait(400)
    talk.client(4, b"def", ack=1)
    talk.finish()
    assert talk.bytes_of(CLIENT) == b"abcdef"
    assert len(talk.opened) == 2


def conversations(count: int) -> list[Frame]:
    """Return that many connections of three bytes, each of which then says three more.

    All speak once, and then all again, in the same order.
    """
    talks = []
    for number in range(count):
        ends: dict[str, Any] = {"client": ("10.0.0.1", 10_000 + number)}
        talk = Talk(conversation={**ends, "client_isn": 7 * number})
        talk.handshake()
        talk.client(0, b"abc", ack=0)
        talk.server(0, ack=3)
        talks.append(talk)
    early = [frame for talk in talks for frame in talk.frames]
    late = [talk.wire.client(4, b"def", ack=1) for talk in talks]
    return [
        frame._replace(time_ns=1_000_000 * index)
        for index, frame in enumerate([*early, *late])
    ]


def test_streams_that_memory_has_ended_go_on() -> None:
    frames = conversations(300)
    policy = Policy(memory_limit_bytes=100_000, max_fragment_bytes=0)
    events = feed_all(frames, policy)
    ended = [event for event in events if isinstance(event, Closed)]
    assert len([event for event in ended if event.reason == "memory_limit"]) > 200
    opened = [event.stream for event in events if isinstance(event, Opened)]
    again = opened[300:]
    assert len(again) > 100
    evidence = [stream.role_evidence for stream in again]
    # So many are remembered in a sixteenth of the memory.
    assert evidence.count("continued") > 100
    assert {stream.server.port for stream in again} == {80}


def test_what_is_remembered_stays_within_its_share() -> None:
    talk = Talk(idle_timeout_s=0, linger_s=0, memory_limit_bytes=1 << 20)
    for number in range(5000):
        ends: dict[str, Any] = {"client": ("10.0.0.1", 10_000 + number)}
        other = Talk(assembler=talk.assembler, conversation=ends)
        other.wire.now_ns = talk.wire.now_ns + 1_000_000_000 * number
        other.client(0, b"abc")
    assert 0 < talk.assembler.memory_bytes < (1 << 20) // 10
    for number, known in ((4999, True), (3500, True), (2500, False), (10, False)):
        ends = {"client": ("10.0.0.1", 10_000 + number)}
        other = Talk(assembler=talk.assembler, conversation=ends)
        other.wire.now_ns = talk.wire.now_ns + 1_000_000_000 * 6000
        other.client(3, b"def")
        # Others wait for what comes before them.
        assert bool(other.opened) == known
