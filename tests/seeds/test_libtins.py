"""What libtins' own tests of ``TCPIP::StreamFollower`` and ``AckTracker`` ask for.

Where libtins is off by one, the right value is asked for.
"""

from collections.abc import Iterable
from typing import Any

import pytest

from tests.builder import ACK, FIN, MS, RST, SECOND, SYN, Conversation, mss
from tests.builder import sack_permitted as sack_permitted_option
from tests.seeds.following import CLIENT, SERVER, TEXT, Following, pieces
from unpacket import AckTracker, FollowedStream, Policy

TOP = (1 << 32) - 1
FIRST_SEQS = (0, 20, (1 << 31) - 1, TOP - 2, TOP - 5, TOP - 10, TOP - 34, TOP - 31)
LIBTINS = Policy.preset("libtins")
# libtins attaches where the first packet happens to be.
PARTIAL = LIBTINS.replace(midstream=True, midstream_grace_segments=1)

Pieces = Iterable[tuple[int, bytes]]


def followed(first_seq: int, parts: Pieces, follower: Following) -> Following:
    talk = Conversation(client_isn=(first_seq - 1) % (1 << 32))
    talk.handshake()
    for offset, payload in parts:
        talk.client(1 + offset, payload)
    return follower.follow(talk)


def swapped() -> list[tuple[int, bytes]]:
    """Every fourth piece and the next but one change places."""
    parts = pieces()
    for index in range(0, len(parts) - 2, 4):
        parts[index], parts[index + 2] = parts[index + 2], parts[index]
    return parts


def overlapping() -> list[tuple[int, bytes]]:
    text = b"Hello world. This is a payload"
    ranges = [(0, 6), (1, 7), (3, 8), (10, 20), (9, 1)]
    return [(start, text[start : start + length]) for start, length in ranges]


def overlapping_reversed_swapped() -> list[tuple[int, bytes]]:
    parts = overlapping()[::-1]
    parts[2], parts[4] = parts[4], parts[2]
    return parts


@pytest.mark.parametrize("first_seq", FIRST_SEQS)
def test_l1_plain(first_seq: int) -> None:
    following = followed(first_seq, pieces(), Following(LIBTINS))
    assert following.told("client") == [payload for _, payload in pieces()]


@pytest.mark.parametrize("first_seq", FIRST_SEQS)
@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        pytest.param(swapped(), TEXT, id="L2 reordered"),
        pytest.param(pieces()[::-1], TEXT, id="L3 reversed"),
        pytest.param(overlapping(), b"Hello world. This is a payload", id="L4"),
        pytest.param(overlapping()[::-1], b"Hello world. This is a payload", id="L5"),
        pytest.param(
            overlapping_reversed_swapped(), b"Hello world. This is a payload", id="L6"
        ),
    ],
)
def test_any_order(first_seq: int, parts: Pieces, whole: bytes) -> None:
    following = followed(first_seq, parts, Following(LIBTINS))
    assert following.payload("client") == whole
    assert following.told("gap") == following.told("conflict") == []


@pytest.mark.parametrize("first_seq", FIRST_SEQS)
def test_l7_ignored(first_seq: int) -> None:
    following = Following(LIBTINS)
    following.follower.on_new_stream(FollowedStream.ignore_client_data)
    followed(first_seq, pieces(), following)
    assert following.told("client") == []


def test_l8_out_of_order() -> None:
    late = []
    following = Following(LIBTINS)

    def tell(stream: FollowedStream, seq: int, payload: bytes) -> None:
        late.append((seq, payload))

    following.follower.on_new_stream(lambda it: it.on_client_out_of_order(tell))
    followed(0, pieces()[::-1], following)
    assert late == pieces()[:0:-1]
    assert following.payload("client") == TEXT


def test_l9_handshake() -> None:
    talk = Conversation(
        ("1.2.3.4", 22),
        ("4.3.2.1", 25),
        client_isn=29,
        server_isn=60,
        start_ns=10 * MS,
        step_ns=100 * MS,
    )
    talk.macs = ("00:01:02:03:04:05", "05:04:03:02:01:00")
    talk.handshake()
    following = Following(LIBTINS)
    following.feed(talk)
    stream = following.stream
    facts = stream.facts
    assert (stream.state(CLIENT), stream.state(SERVER)) == ("established", "syn_sent")
    assert (facts.next_seq(CLIENT), facts.next_seq(SERVER)) == (30, 61)
    assert (str(stream.client), str(stream.server)) == ("1.2.3.4:22", "4.3.2.1:25")
    assert stream.client_hw_addr == "00:01:02:03:04:05"
    assert stream.server_hw_addr == "05:04:03:02:01:00"
    assert (stream.create_time_ns, stream.last_activity_ns) == (10 * MS, 210 * MS)
    assert not stream.is_partial
    following.feed([talk.server(1, ack=1)])
    assert stream.state(SERVER) == "established"
    assert facts.next_seq(SERVER) == 61


def test_l10_options() -> None:
    talk = Conversation()
    talk.client(0, ack=None, flags=SYN, options=mss(1220))
    talk.server(0, ack=1, flags=SYN, options=mss(1460) + sack_permitted_option())
    following = Following(LIBTINS)
    following.feed(talk)
    stream = following.stream
    assert (stream.mss(CLIENT), stream.mss(SERVER)) == (1220, 1460)
    assert (stream.sack_permitted(CLIENT), stream.sack_permitted(SERVER)) == (
        False,
        True,
    )


def test_l11_timeout() -> None:
    talk = Conversation()
    talk.client(0, ack=None, flags=SYN)
    talk.server(0, ack=1, flags=SYN, at_ns=50 * SECOND)
    following = Following(LIBTINS)
    following.feed(talk)
    assert following.follower.live_streams() == [following.stream]
    stranger = Conversation(client=("10.9.9.9", 40000))
    following.feed([stranger.client(1, ack=1, at_ns=600 * SECOND)])
    assert following.follower.find_stream("10.0.0.1", 40000, "10.0.0.2", 80) is None
    assert following.calls == [("closed", "timeout"), ("terminated", "timeout")]
    assert following.stream.create_time_ns == talk.start_ns


@pytest.mark.parametrize("seq", [0, 1])
def test_l12_l14_rst(seq: int) -> None:
    talk = Conversation()
    talk.handshake()
    talk.server(seq, ack=1, flags=RST)
    following = Following(LIBTINS)
    calls = following.feed(talk)
    assert following.stream.state(SERVER) == "rst_sent"
    assert following.stream.is_finished
    assert calls == [("closed", "rst"), ("teardown",)]
    assert following.follower.find_stream("10.0.0.1", 40000, "10.0.0.2", 80) is None


def test_l13_fin() -> None:
    talk = Conversation()
    talk.handshake()
    talk.server(1, ack=1, flags=FIN)
    following = Following(LIBTINS)
    following.feed(talk)
    stream = following.stream
    assert stream.state(SERVER) == "fin_sent"
    assert not stream.is_finished
    following.feed([talk.client(1, ack=2, flags=FIN)])
    assert stream.state(CLIENT) == "fin_sent"
    assert stream.is_finished
    assert stream.close_reason == "fin"


def test_l15_follow() -> None:
    following = followed(30, pieces(), Following(LIBTINS))
    assert len(following.told("client")) == 460
    assert following.payload("client") == TEXT


def attached(parts: Pieces) -> Conversation:
    talk = Conversation(client_isn=29, server_isn=41)
    for offset, payload in parts:
        talk.client(1 + offset, payload, ack=1, flags=ACK)
    return talk


def test_l16_attach() -> None:
    following = Following(PARTIAL).follow(attached(pieces()))
    assert following.told("client") == [payload for _, payload in pieces()]
    assert following.stream.is_partial


def test_l16_does_not_attach_by_default() -> None:
    following = Following(LIBTINS).follow(attached(pieces()))
    assert following.streams == []


def test_l17_attach_both_ways() -> None:
    talk = attached(pieces())
    for offset, payload in pieces():
        talk.server(1 + offset, payload, ack=1 + len(TEXT))
    following = Following(PARTIAL).follow(talk)
    assert len(following.told("client")) == len(following.told("server")) == 460
    assert following.payload("client") == following.payload("server") == TEXT


def test_l18_skip_when_out_of_order() -> None:
    parts = pieces()
    del parts[1]

    def skip(stream: FollowedStream, seq: int, payload: bytes) -> None:
        stream.advance_sequence(CLIENT, seq)

    following = Following(PARTIAL)
    following.follower.on_new_stream(lambda it: it.on_client_out_of_order(skip))
    following.follow(attached(parts))
    assert following.told("client") == [payload for _, payload in parts]
    assert following.told("gap") == [(5, 5)]


def test_l19_recovery_mode() -> None:
    parts = pieces()
    del parts[3], parts[1]
    following = Following(PARTIAL)
    following.follower.on_new_stream(lambda it: it.enable_recovery_mode(20))
    following.follow(attached(parts))
    assert following.told("client") == [payload for _, payload in parts]
    assert following.told("gap") == [(5, 5), (15, 5)]


def test_l20_acknowledgements() -> None:
    talk = Conversation(client_isn=9897, server_isn=1716)
    talk.handshake()
    following = Following(LIBTINS)
    made: list[FollowedStream] = []
    following.follower.on_new_stream(made.append)
    following.feed(talk.frames[:1])
    made[0].enable_ack_tracking()
    following.feed(talk.frames[1:])
    trackers: list[Any] = [made[0].ack_tracker(side) for side in (CLIENT, SERVER)]
    assert [tracker.ack for tracker in trackers] == [1717, 9898]


@pytest.mark.parametrize(
    ("first", "last", "intervals"),
    [
        (0, 100, [(0, 101)]),
        (2, 3, [(2, 4)]),
        (0, 0, [(0, 1)]),
        (TOP, TOP, [(TOP, 0)]),
        (TOP - 5, 100, [(TOP - 5, 101)]),
    ],
)
def test_l21_ranges(first: int, last: int, intervals: list[tuple[int, int]]) -> None:
    tracker = AckTracker(TOP - 20)
    tracker.acknowledge(TOP - 20, [(first, (last + 1) % (TOP + 1))])
    assert tracker.acked_intervals() == intervals


def test_l22_cumulative() -> None:
    tracker = AckTracker(0)
    tracker.acknowledge(100)
    acked = [(0, 10), (50, 10), (99, 1)]
    assert all(tracker.is_segment_acked(*segment) for segment in acked)
    assert not any(tracker.is_segment_acked(*it) for it in [(90, 20), (99, 2)])
    for ack, edge in [(50, 100), (150, 150), (200, 200)]:
        tracker.acknowledge(ack)
        assert tracker.ack == edge


@pytest.mark.parametrize("acks", [(TOP - 3, TOP, 5), (5,)])
def test_l23_wrap(acks: tuple[int, ...]) -> None:
    tracker = AckTracker(TOP - 10)
    for ack in acks:
        tracker.acknowledge(ack)
        assert tracker.ack == ack


def test_l24_sack() -> None:
    tracker = AckTracker(0)
    tracker.acknowledge(0, [(2, 5), (9, 11)])
    assert tracker.sacked_bytes == 5
    assert tracker.is_segment_acked(2, 3)
    assert tracker.is_segment_acked(9, 2)
    assert not tracker.is_segment_acked(2, 9)
    tracker.acknowledge(9)
    # The byte right at the acknowledgement stays selectively acknowledged.
    assert tracker.is_segment_acked(9, 2)
    tracker.acknowledge(15)
    assert tracker.sacked_bytes == 0


def test_l25_sack_around_the_wrap() -> None:
    tracker = AckTracker(TOP - 10)
    tracker.acknowledge(TOP - 10, [(TOP - 3, TOP), (0, 10)])
    assert tracker.sacked_bytes == 13
    acked = [(TOP - 12, 2), (TOP - 2, 1), (2, 3)]
    assert all(tracker.is_segment_acked(*segment) for segment in acked)
    assert not tracker.is_segment_acked(TOP - 10, 10)
    for ack, left in [(TOP - 2, 12), (5, 5), (15, 0)]:
        tracker.acknowledge(ack)
        assert tracker.sacked_bytes == left


def test_l26_sack_across_the_wrap() -> None:
    tracker = AckTracker(TOP - 10)
    tracker.acknowledge(TOP - 10, [(TOP - 3, 5)])
    assert tracker.sacked_bytes == 9
    tracker.acknowledge(TOP)
    assert tracker.sacked_bytes == 6


@pytest.mark.parametrize("left", [9, 10])
def test_l27_sack_at_or_below_the_edge(left: int) -> None:
    tracker = AckTracker(0)
    tracker.acknowledge(10)
    tracker.acknowledge(0, [(left, 12)])
    assert tracker.is_segment_acked(0, 12)
    assert not tracker.is_segment_acked(0, 13)
    assert tracker.ack == 12
    assert tracker.sacked_bytes == 0
