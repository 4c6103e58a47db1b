"""Where a stream begins, who is its client, how it ends; ports that are used again."""

from typing import Any

import pytest

from tests.builder import ACK, FIN, RST, SECOND, SYN
from tests.talk import CLIENT, SERVER, Talk
from unpacket import Direction

# Where a half begins.


def test_a_syn_is_where_a_half_begins() -> None:
    talk = Talk()
    assert talk.handshake() == [("opened",)]
    assert talk.client(0, b"abc") == [("data", "client", 0, b"abc")]
    assert talk.server(0, b"xyz", ack=3) == [("data", "server", 0, b"xyz")]
    assert not talk.stream.is_partial


@pytest.mark.parametrize("true_isn", [0, 1, 2])
def test_of_several_syns_the_one_that_is_acknowledged_counts(true_isn: int) -> None:
    talk = Talk(conversation={"client_isn": 0xFFFFFFF0})
    shifts = [0, 100, -100_000]
    for shift in shifts:
        talk.client(-1 + shift, flags=SYN, ack=None)
    true = shifts[true_isn]
    talk.server(-1, flags=SYN, ack=true)
    talk.client(true, ack=0)
    assert talk.client(true, b"GET", ack=0) == [("data", "client", 0, b"GET")]
    assert talk.server(0, b"200", ack=true + 3) == [("data", "server", 0, b"200")]


def test_a_decoy_syn_after_the_handshake_is_rejected() -> None:
    talk = Talk()
    talk.handshake()
    talk.client(-1 + 7777, flags=SYN, ack=None)
    assert talk.client(0, b"abc", ack=0) == [("data", "client", 0, b"abc")]
    talk.server(0, b"x", ack=3)
    assert talk.finish() == [
        ("rejected", "client", "syn", None, b""),
        ("closed", "end_of_capture"),
    ]


def test_a_syn_that_is_sent_again_changes_nothing() -> None:
    talk = Talk()
    talk.client(-1, flags=SYN, ack=None)
    talk.client(-1, flags=SYN, ack=None)
    talk.server(-1, flags=SYN, ack=0)
    talk.server(-1, flags=SYN, ack=0)
    talk.client(0, b"abc", ack=0)
    talk.client(-1, flags=SYN, ack=None)
    assert talk.client(3, b"def") == [("data", "client", 3, b"def")]
    assert len(talk.opened) == 1


def test_a_syn_captured_after_its_data_begins_the_half() -> None:
    talk = Talk()
    assert talk.client(0, b"abc", ack=None) == []
    told = talk.client(-1, flags=SYN, ack=None)
    assert told == [("opened",), ("data", "client", 0, b"abc")]


def test_simultaneous_open_has_one_client() -> None:
    talk = Talk()
    talk.client(-1, flags=SYN, ack=None)
    talk.server(-1, flags=SYN, ack=None)
    talk.client(-1, flags=SYN, ack=0)
    talk.server(-1, flags=SYN, ack=0)
    assert talk.client(0, b"abc", ack=0) == [("data", "client", 0, b"abc")]
    assert talk.server(0, b"xyz", ack=3) == [("data", "server", 0, b"xyz")]
    assert talk.stream.client.port == 40000
    assert not talk.stream.is_partial


# Without a SYN.


def test_the_lowest_of_the_first_segments_is_offset_0() -> None:
    talk = Talk(midstream_grace_segments=3)
    assert talk.client(2000, b"ccc", ack=0) == []
    assert talk.client(1994, b"aaa") == []
    assert talk.client(1997, b"bbb") == [
        ("opened",),
        ("data", "client", 0, b"aaa"),
        ("data", "client", 3, b"bbbccc"),
    ]


def test_the_grace_ends_with_time() -> None:
    talk = Talk(midstream_grace_s=0.020)
    assert talk.client(2003, b"bbb", ack=0) == []
    assert talk.client(2000, b"aaa") == []
    assert talk.wait(0.018) == []
    assert talk.wait(0.001) == [("opened",), ("data", "client", 0, b"aaabbb")]


def test_the_grace_ends_with_a_packet_of_the_peer() -> None:
    talk = Talk()
    assert talk.client(2003, b"bbb", ack=0) == []
    assert talk.client(2000, b"aaa") == []
    talk.server(0, ack=2006)
    assert talk.bytes_of(CLIENT) == b"aaabbb"


def test_the_grace_ends_with_the_capture() -> None:
    talk = Talk()
    talk.client(2003, b"bbb", ack=0)
    talk.client(2000, b"aaa")
    assert talk.finish()[-1] == ("closed", "end_of_capture")
    assert talk.bytes_of(CLIENT) == b"aaabbb"


def test_a_half_begins_at_the_edge_that_its_peer_has_acknowledged() -> None:
    talk = Talk()
    assert talk.server(0, b"xyz", ack=2000) == []
    told = talk.client(2003, b"bbb", ack=3)
    assert ("data", "server", 0, b"xyz") in told
    assert talk.bytes_of(CLIENT) == b""
    assert talk.client(2000, b"aaa") == [("data", "client", 0, b"aaabbb")]


def test_an_acknowledgement_within_the_grace_tells_the_edge() -> None:
    """The first segment was overtaken; the peer still asks for it."""
    talk = Talk()
    talk.client(2003, b"bbb", ack=0)
    talk.server(0, ack=2000)
    talk.client(2000, b"aaa")
    talk.finish()
    assert talk.bytes_of(CLIENT) == b"aaabbb"


def test_an_old_acknowledgement_moves_no_beginning() -> None:
    talk = Talk()
    talk.client(2000, b"aaa", ack=0)
    talk.server(0, ack=2000 - (1 << 30))
    talk.finish()
    assert talk.bytes_of(CLIENT) == b"aaa"
    assert talk.stream.counts(CLIENT)["gaps"] == 0


def test_a_keep_alive_begins_nothing() -> None:
    talk = Talk()
    talk.server(0, ack=2000)
    talk.client(1999, b"\0", ack=0)
    assert talk.client(2000, b"aaa") == [("opened",), ("data", "client", 0, b"aaa")]


def test_midstream_connections_may_be_left_alone() -> None:
    talk = Talk(midstream=False)
    assert talk.client(2000, b"abc", ack=0) == []
    assert talk.finish() == []
    assert talk.assembler.counters["not_followed"] == 1


def test_a_midstream_connection_is_partial() -> None:
    talk = Talk()
    talk.client(0, b"abc", ack=0)
    talk.client(3, flags=FIN)
    talk.server(0, ack=4, flags=FIN)
    talk.client(4, ack=1)
    assert talk.stream.is_partial
    assert talk.stream.close_reason == "fin"
    assert not talk.stream.complete


# Who is the client.


@pytest.mark.parametrize(
    ("ends", "first", "client_port", "evidence"),
    [
        pytest.param((40000, 80), "syn", 40000, "syn", id="the sender of the SYN"),
        pytest.param((80, 40000), "syn", 80, "syn", id="even from a well-known port"),
        pytest.param((80, 40000), "syn_ack", 80, "syn_ack", id="who is answered"),
        pytest.param((40000, 80), "server", 40000, "port", id="the ephemeral port"),
        pytest.param((40000, 50000), "server", 50000, "first", id="the first sender"),
        pytest.param((22, 80), "client", 22, "first", id="both ports well known"),
    ],
)
def test_the_client_is_known_by(
    ends: tuple[int, int], first: str, client_port: int, evidence: str
) -> None:
    conversation = {"client": ("10.0.0.9", ends[0]), "server": ("10.0.0.2", ends[1])}
    talk = Talk(conversation=conversation)
    if first == "syn":
        talk.client(-1, flags=SYN, ack=None)
    elif first == "syn_ack":
        talk.server(-1, flags=SYN, ack=0)
    elif first == "server":
        talk.server(100, b"x", ack=50)
    else:
        talk.client(100, b"x", ack=50)
    talk.finish()
    assert talk.stream.client.port == client_port
    assert talk.stream.role_evidence == evidence


def test_roles_stay_as_they_were_told() -> None:
    """A SYN-ACK long after Opened changes no direction."""
    talk = Talk(midstream_grace_segments=1)
    talk.server(0, b"x", ack=0)
    client = talk.stream.client
    talk.server(-1, flags=SYN, ack=0)
    talk.finish()
    assert talk.stream.client == client


# How it ends.


def finished(talk: Talk, first: Direction = CLIENT) -> Any:
    one, two = (
        (talk.client, talk.server)
        if first is CLIENT
        else (
            talk.server,
            talk.client,
        )
    )
    return one(0, flags=FIN, ack=0) + two(0, flags=FIN, ack=1) + one(1, ack=1)


@pytest.mark.parametrize("first", [CLIENT, SERVER])
def test_two_fins_close_a_stream(first: Direction) -> None:
    talk = Talk()
    talk.handshake()
    assert finished(talk, first) == [
        ("finished", str(first)),
        ("finished", str(first.other)),
        ("closed", "fin"),
    ]
    assert talk.stream.complete


def test_a_half_closed_stream_still_carries_the_other_half() -> None:
    talk = Talk()
    talk.handshake()
    assert talk.client(0, b"q", flags=FIN, ack=0) == [("data", "client", 0, b"q")]
    assert talk.server(0, ack=2) == [("finished", "client")]
    for offset in range(0, 30, 3):
        assert talk.server(offset, b"abc", ack=2)[0][0] == "data"
    assert talk.stream.state(CLIENT) == "fin_sent"
    assert talk.server(30, flags=FIN) == []
    assert talk.client(2, ack=31)[-1] == ("closed", "fin")


def test_a_fin_waits_for_what_comes_before_it() -> None:
    talk = Talk()
    talk.handshake()
    assert talk.client(3, b"def", flags=FIN, ack=0) == []
    assert talk.client(0, b"abc") == [("data", "client", 0, b"abcdef")]
    assert talk.server(0, ack=7) == [("finished", "client")]


def test_a_fin_is_sent_again() -> None:
    talk = Talk()
    talk.handshake()
    talk.client(0, b"abc", flags=FIN, ack=0)
    assert talk.client(0, b"abc", flags=FIN) == []
    assert talk.client(3, flags=FIN) == []
    talk.server(0, ack=4, flags=FIN)
    assert talk.client(4, ack=1)[-1] == ("closed", "fin")


@pytest.mark.parametrize(
    ("offset", "payload"),
    [
        pytest.param(2, b"", id="inside of what was sent"),
        pytest.param(200_000, b"", id="beyond every window"),
        pytest.param(-50, b"", id="before the beginning"),
    ],
)
def test_a_fin_out_of_place_is_rejected(offset: int, payload: bytes) -> None:
    talk = Talk()
    talk.handshake(window=1000)
    talk.client(0, b"abcdef", ack=0)
    assert talk.client(offset, payload, flags=FIN) == [
        ("rejected", "client", "fin", offset, payload)
    ]
    assert talk.client(6, b"ghi") == [("data", "client", 6, b"ghi")]


def test_nothing_comes_after_a_fin() -> None:
    talk = Talk()
    talk.handshake()
    talk.client(0, b"abc", flags=FIN, ack=0)
    talk.server(0, ack=4)
    assert talk.client(3, b"more") == [("rejected", "client", "after_fin", 3, b"more")]


@pytest.mark.parametrize(
    ("rule", "offset", "believed"),
    [
        pytest.param("window", 3, True, id="window, at the edge"),
        pytest.param("window", 60, True, id="window, inside"),
        pytest.param("window", 500_000, False, id="window, beyond"),
        pytest.param("window", -400, False, id="window, before"),
        pytest.param("exact", 3, True, id="exact, at the edge"),
        pytest.param("exact", 4, False, id="exact, one too far"),
        pytest.param("exact", 2, False, id="exact, one too early"),
        pytest.param("any", 500_000, True, id="any, anywhere"),
    ],
)
def test_a_reset_is_believed_by_rule(rule: Any, offset: int, believed: bool) -> None:
    talk = Talk(rst=rule, close_grace_s=0)
    talk.handshake()
    talk.client(0, b"abc", ack=0)
    talk.server(0, ack=3)
    told = talk.client(offset, b"why", flags=RST)
    if believed:
        assert told == [("closed", "rst")]
        assert talk.stream.counts(CLIENT)["discarded_bytes"] == 3
        assert talk.stream.complete
    else:
        assert told == [("rejected", "client", "rst", offset, b"why")]
        assert talk.client(3, b"def") == [("data", "client", 3, b"def")]


def test_a_refused_connection_ends_with_its_reset() -> None:
    talk = Talk(close_grace_s=0)
    talk.client(-1, flags=SYN, ack=None)
    assert talk.server(-1, ack=0, flags=RST) == [("closed", "rst")]


def test_a_reset_for_another_handshake_is_rejected() -> None:
    talk = Talk()
    talk.client(-1, flags=SYN, ack=None)
    assert talk.server(-1, ack=5000, flags=RST) == [
        ("rejected", "server", "rst", None, b"")
    ]


@pytest.mark.parametrize("reason", ["fin", "rst", "user"])
def test_nothing_comes_of_late_packets(reason: str) -> None:
    talk = Talk(close_grace_s=0)
    talk.handshake()
    talk.client(0, b"abc", ack=0)
    if reason == "fin":
        talk.client(3, flags=FIN)
        talk.server(0, flags=FIN, ack=4)
    elif reason == "rst":
        talk.server(0, flags=RST | ACK, ack=3)
    else:
        talk.tell(talk.assembler.close(talk.stream))
    assert talk.stream.close_reason == reason
    assert talk.client(3, b"def") == []
    assert talk.server(0, b"xyz", ack=3) == []
    assert talk.client(0, b"abc") == []
    assert talk.finish() == []
    assert len(talk.opened) == 1
    assert talk.stream.counts(CLIENT)["late_packets"] == 2
    counts = talk.stream.counts(CLIENT)
    # What came again was delivered; what is new is in no stream.
    assert (counts["duplicate_bytes"], counts["unplaced"]) == (3, {"late": 3})
    first = {"fin": 7, "rst": 6, "user": 5}[reason]
    assert talk.assembler.late == {0: (6, first)}
    assert talk.assembler.late_bytes == 6


def test_a_user_closes_a_stream_once() -> None:
    talk = Talk()
    talk.handshake()
    talk.client(3, b"def", ack=0)
    assert talk.tell(talk.assembler.close(talk.stream)) == [
        ("gap", "client", 0, 3, "unacknowledged"),
        ("data", "client", 3, b"def"),
        ("closed", "user"),
    ]
    assert talk.assembler.close(talk.stream) == []


# Ports that carry another connection.


def reused(talk: Talk, shift: int = 1 << 20) -> Any:
    """Begin another connection on the same ports, with other numbers."""
    told = talk.client(-1 + shift, flags=SYN, ack=None)
    told += talk.server(-1 + shift, flags=SYN, ack=shift)
    told += talk.client(shift, ack=shift)
    return told


def test_a_syn_on_a_closed_stream_opens_another() -> None:
    talk = Talk()
    talk.handshake()
    finished(talk)
    assert reused(talk) == [("opened",)]
    assert talk.client((1 << 20), b"new") == [("data", "client", 0, b"new")]
    assert talk.finish() == [("closed", "end_of_capture")]
    assert [stream.close_reason for stream in talk.opened] == ["fin", "end_of_capture"]


def test_the_syn_of_a_closed_stream_opens_nothing() -> None:
    talk = Talk()
    talk.handshake()
    finished(talk)
    assert talk.client(-1, flags=SYN, ack=None) == []
    assert len(talk.opened) == 1


def test_a_syn_that_is_answered_closes_the_old_stream() -> None:
    talk = Talk()
    talk.handshake()
    talk.client(0, b"old", ack=0)
    assert reused(talk) == [("closed", "reused"), ("opened",)]
    assert talk.client(1 << 20, b"new") == [("data", "client", 0, b"new")]
    first, second = talk.opened
    assert second.first_frame == 5
    assert second.packets(CLIENT) == 3
    assert first.packets(CLIENT) == 3


def test_a_syn_with_data_that_is_answered_counts_for_the_new_stream() -> None:
    talk = Talk()
    talk.handshake()
    shift = 1 << 20
    talk.client(-1 + shift, b"data", flags=SYN, ack=None)
    told = talk.server(-1 + shift, flags=SYN, ack=shift + 4)
    assert told == [
        ("closed", "reused"),
        ("opened",),
        ("data", "client", 0, b"data"),
    ]
    first, second = talk.opened
    assert first.counts(CLIENT)["seen_bytes"] == 0
    assert second.counts(CLIENT)["seen_bytes"] == 4


def test_a_one_sided_capture_shows_a_reuse_by_the_next_segment() -> None:
    talk = Talk()
    talk.client(-1, flags=SYN, ack=None)
    talk.client(0, b"old", ack=0)
    shift = 1 << 20
    assert talk.client(-1 + shift, flags=SYN, ack=None) == []
    assert talk.client(shift, b"new", ack=shift) == [
        ("closed", "reused"),
        ("opened",),
        ("data", "client", 0, b"new"),
    ]


def test_a_one_sided_capture_of_answers_shows_a_reuse() -> None:
    """Only the server's packets were captured; its SYN-ACKs have other numbers."""
    talk = Talk(close_grace_s=0)
    talk.server(-1, flags=SYN, ack=0)
    talk.server(0, b"old", flags=FIN, ack=3)
    talk.server(4, flags=RST, ack=None)
    assert talk.stream.close_reason == "rst"
    shift = 1 << 20
    told = talk.server(-1 + shift, flags=SYN, ack=shift)
    told += talk.server(shift, b"new", ack=shift + 3)
    told += talk.finish()
    assert ("data", "server", 0, b"new") in told


def test_a_quiet_stream_is_over_before_its_ports_carry_another() -> None:
    talk = Talk(idle_timeout_s=300)
    talk.handshake()
    talk.client(0, b"old", ack=0)
    told = talk.client(-1 + 9999, flags=SYN, ack=None, wait_ns=301 * SECOND)
    assert told == [("closed", "timeout"), ("opened",)]


def test_a_stream_lingers_for_late_packets_and_then_is_forgotten() -> None:
    talk = Talk(linger_s=60)
    talk.handshake()
    finished(talk)
    assert talk.client(0, b"late", wait_ns=59 * SECOND) == []
    assert talk.client(5, b"late", wait_ns=2 * SECOND) == []
    assert talk.finish()[0] == ("opened",)


def test_two_ports_of_one_host_are_two_ends() -> None:
    ends = {"client": ("10.0.0.1", 40000), "server": ("10.0.0.1", 80)}
    talk = Talk(conversation=ends)
    talk.handshake()
    assert talk.client(0, b"abc") == [("data", "client", 0, b"abc")]
    assert talk.server(0, b"xyz", ack=3) == [("data", "server", 0, b"xyz")]


def test_equal_ends_make_no_trouble() -> None:
    ends = {"client": ("10.0.0.1", 80), "server": ("10.0.0.1", 80)}
    talk = Talk(conversation=ends)
    talk.handshake()
    talk.client(0, b"abc")
    assert talk.finish()[-1] == ("closed", "end_of_capture")


def test_a_stream_is_found_by_its_ends() -> None:
    talk = Talk()
    talk.handshake()
    for ends in [
        ("10.0.0.1", 40000, "10.0.0.2", 80),
        ("10.0.0.2", 80, "10.0.0.1", 40000),
    ]:
        assert talk.assembler.find_stream(*ends) is talk.stream
    assert talk.assembler.find_stream("10.0.0.1", 40001, "10.0.0.2", 80) is None


def test_a_stream_knows_its_handshake() -> None:
    talk = Talk()
    talk.client(-1, flags=SYN, ack=None, mss_option=1460, wscale=7)
    talk.server(-1, flags=SYN, ack=0, mss_option=1200)
    stream = talk.stream
    assert (stream.mss(CLIENT), stream.mss(SERVER)) == (1460, 1200)
    assert (stream.window_scale(CLIENT), stream.window_scale(SERVER)) == (7, None)
    assert stream.state(SERVER) == "syn_sent"
    assert stream.client.address == "10.0.0.1"
    assert str(stream.server) == "10.0.0.2:80"
    assert stream.first_ns == talk.frames[0].time_ns
    assert stream.last_ns == talk.frames[-1].time_ns


def test_connections_that_are_reset_at_once_do_not_hide_one_that_lives() -> None:
    """Each is on the ports of the one before, and only the last is answered."""
    talk = Talk()
    for number in range(3):
        talk.client((number << 24) - 1, flags=SYN, ack=None)
        talk.client(number << 24, flags=RST, ack=None)
    told = reused(talk, 3 << 24)
    assert told[-1] == ("opened",)
    assert talk.client(3 << 24, b"new") == [("data", "client", 0, b"new")]
    talk.finish()
    assert [stream.close_reason for stream in talk.opened] == [
        *["rst"] * 3,
        "end_of_capture",
    ]
    assert sum(stream.packets(CLIENT) for stream in talk.opened) == 9


@pytest.mark.parametrize("quiet_s", [10, 100_000])
def test_time_alone_shows_that_another_connection_followed(quiet_s: int) -> None:
    """Also where it passes at once, so that the old one is forgotten in that moment."""
    talk = Talk()
    talk.handshake()
    talk.client(0, flags=RST, ack=0)
    assert talk.client((1 << 24) - 1, flags=SYN, ack=None) == []
    talk.wait(quiet_s)
    talk.finish()
    reasons = [stream.close_reason for stream in talk.opened]
    assert reasons == ["rst", "end_of_capture"]
    assert [stream.packets(CLIENT) for stream in talk.opened] == [3, 1]
