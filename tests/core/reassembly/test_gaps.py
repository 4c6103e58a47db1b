"""Holes: when they become gaps, with which reason, and what else lets bytes go."""

from typing import Any

import pytest

from tests.builder import FIN, RST, SECOND, SYN
from tests.talk import CLIENT, SERVER, Talk, feed_all, said
from unpacket import Data, Gap

MISSED = ("gap", "client", 0, 3, "not_captured")


def talking(**changes: Any) -> Talk:
    talk = Talk(**changes)
    talk.handshake()
    return talk


# The peer has acknowledged past a hole.


def test_a_hole_that_is_acknowledged_is_a_gap_after_the_grace() -> None:
    talk = talking(gap_grace_s=0.020)
    talk.client(3, b"def", ack=0)
    assert talk.server(0, ack=6) == []
    assert talk.wait(0.019) == []
    assert talk.wait(0.001) == [MISSED, ("data", "client", 3, b"def")]


def test_the_next_packet_of_anybody_tells_the_time() -> None:
    talk = talking(gap_grace_s=0.020)
    talk.client(3, b"def", ack=0)
    talk.server(0, ack=6)
    assert talk.server(0, b"x", wait_ns=SECOND)[:2] == [
        MISSED,
        ("data", "client", 3, b"def"),
    ]


def test_data_may_come_after_its_acknowledgement() -> None:
    """Two taps: an ACK is seen before what it acknowledges."""
    talk = talking(gap_grace_s=0.020)
    talk.client(3, b"def", ack=0)
    talk.server(0, ack=6)
    assert talk.client(0, b"abc") == [("data", "client", 0, b"abcdef")]
    assert talk.wait(1) == []


def test_without_grace_an_acknowledgement_is_enough() -> None:
    talk = talking(gap_grace_s=0.0)
    talk.client(3, b"def", ack=0)
    assert talk.server(0, ack=6) == [MISSED, ("data", "client", 3, b"def")]


def test_without_acknowledgements_a_hole_stays() -> None:
    talk = talking(gap_grace_s=None)
    talk.client(3, b"def", ack=0)
    talk.server(0, ack=6)
    assert talk.wait(10) == []
    assert talk.client(0, b"abc") == [("data", "client", 0, b"abcdef")]


def test_a_hole_that_is_not_acknowledged_stays() -> None:
    talk = talking()
    talk.client(3, b"def", ack=0)
    talk.server(0, ack=2)
    assert talk.wait(10) == []


def test_each_hole_has_its_own_grace() -> None:
    talk = talking(gap_grace_s=0.020)
    talk.client(3, b"def", ack=0)
    talk.server(0, ack=6)
    talk.client(9, b"jkl", wait_ns=15_000_000)
    talk.server(0, ack=12)
    assert talk.wait(0.010) == [MISSED, ("data", "client", 3, b"def")]
    assert talk.wait(0.030) == [
        ("gap", "client", 6, 3, "not_captured"),
        ("data", "client", 9, b"jkl"),
    ]


def test_passed_waits_until_more_than_the_hole_is_acknowledged() -> None:
    talk = talking(gap="passed")
    talk.client(3, b"def", ack=0)
    assert talk.server(0, ack=3) == []
    assert talk.wait(10) == []
    assert talk.server(0, ack=4) == [MISSED, ("data", "client", 3, b"def")]


def test_passed_waits_for_a_segment_of_the_peer() -> None:
    """What was acknowledged before its data was seen is not missing yet."""
    talk = talking(gap="passed")
    talk.server(0, ack=6)
    assert talk.client(3, b"def", ack=0) == []
    assert talk.client(0, b"abc") == [("data", "client", 0, b"abcdef")]
    talk.server(0, ack=12)
    talk.client(9, b"jkl")
    # The same acknowledgement again is one.
    assert talk.server(0, ack=12) == [
        ("gap", "client", 6, 3, "not_captured"),
        ("data", "client", 9, b"jkl"),
    ]


def test_passed_gives_acknowledged_bytes_out() -> None:
    talk = talking(gap="passed", deliver="acked")
    talk.client(3, b"def", ack=0)
    assert talk.server(0, ack=6) == [MISSED, ("data", "client", 3, b"def")]


@pytest.mark.parametrize("gap", ["skip", "passed"])
def test_a_gap_knows_whether_only_the_end_made_it_one(gap: str) -> None:
    talk = talking(gap=gap, gap_grace_s=0.0)
    talk.client(3, b"def", ack=0)
    talk.server(0, ack=6)
    talk.client(9, b"jkl")
    talk.finish()
    gaps = [event for event in talk.events if isinstance(event, Gap)]
    assert [(one.offset, one.at_end) for one in gaps] == [(0, False), (6, True)]


def test_a_hole_before_a_fin_is_a_gap_too() -> None:
    talk = talking(gap_grace_s=0.0)
    talk.client(3, flags=FIN, ack=0)
    assert talk.server(0, ack=4) == [MISSED, ("finished", "client")]


def test_late_bytes_of_a_gap_stay_out() -> None:
    talk = talking(gap_grace_s=0.0)
    talk.client(3, b"def", ack=0)
    talk.server(0, ack=6)
    assert talk.client(0, b"abc") == []
    assert talk.stream.counts(CLIENT)["unplaced"] == {"after_gap": 3}
    assert talk.client(6, b"ghi") == [("data", "client", 6, b"ghi")]


# The end.


@pytest.mark.parametrize(
    ("acked", "expected"),
    [
        pytest.param(6, [(0, 3, "not_captured")], id="acknowledged"),
        pytest.param(0, [(0, 3, "unacknowledged")], id="not acknowledged"),
        pytest.param(
            2, [(0, 2, "not_captured"), (2, 1, "unacknowledged")], id="half of it"
        ),
    ],
)
@pytest.mark.parametrize("end", ["capture", "timeout", "rst", "user"])
def test_at_the_end_acknowledgements_tell_why(
    acked: int, expected: list[tuple[int, int, str]], end: str
) -> None:
    talk = talking(gap_grace_s=None, idle_timeout_s=300, close_grace_s=0)
    talk.client(3, b"def", ack=0)
    talk.server(0, ack=acked)
    if end == "capture":
        told = talk.finish()
    elif end == "timeout":
        told = talk.wait(400)
    elif end == "rst":
        told = talk.server(0, flags=RST)
    else:
        told = talk.tell(talk.assembler.close(talk.stream))
    gaps = [event for event in told if event[0] == "gap"]
    assert gaps == [("gap", "client", *gap) for gap in expected]
    assert told[-2] == ("data", "client", 3, b"def")
    assert told[-1][0] == "closed"


def test_what_a_peer_that_was_never_seen_got_is_unknown() -> None:
    talk = Talk()
    talk.client(-1, flags=SYN, ack=None)
    talk.client(3, b"def", ack=0)
    assert talk.finish() == [
        ("gap", "client", 0, 3, "unknown"),
        ("data", "client", 3, b"def"),
        ("closed", "end_of_capture"),
    ]


def test_a_tail_that_was_acknowledged_is_a_gap() -> None:
    talk = talking()
    talk.client(0, b"abc", ack=0)
    talk.server(0, ack=10)
    assert talk.finish()[0] == ("gap", "client", 3, 7, "not_captured")


def test_the_acknowledgement_of_a_fin_is_no_byte() -> None:
    talk = talking()
    talk.client(0, b"abc", ack=0)
    talk.server(0, ack=4)
    assert talk.finish() == [("closed", "end_of_capture")]


# The snap length.


def test_a_cut_frame_leaves_a_gap() -> None:
    talk = talking()
    assert talk.client(0, b"abcdef", ack=0, captured=2) == [
        ("data", "client", 0, b"ab")
    ]
    assert talk.client(6, b"ghi") == []
    assert talk.server(0, ack=9) == []
    assert talk.wait(0.021) == [
        ("gap", "client", 2, 4, "truncated"),
        ("data", "client", 6, b"ghi"),
    ]
    assert talk.stream.counts(CLIENT)["seen_bytes"] == 5


def test_a_cut_frame_is_no_gap_while_the_whole_segment_may_come() -> None:
    talk = talking()
    talk.client(0, b"abcdef", ack=0, captured=2)
    assert talk.client(0, b"abcdef") == [("data", "client", 2, b"cdef")]
    talk.server(0, ack=6)
    assert talk.wait(1) == []
    assert talk.stream.counts(CLIENT)["gaps"] == 0


def test_where_the_peer_was_never_seen_a_cut_frame_is_a_gap_after_the_grace() -> None:
    talk = Talk()
    talk.client(-1, flags=SYN, ack=None)
    talk.client(0, b"abcdef", ack=0, captured=2)
    assert talk.wait(0.021) == [("gap", "client", 2, 4, "truncated")]


@pytest.mark.parametrize("changes", [{"gap": "wait"}, {"gap_grace_s": None}])
def test_whoever_waits_for_no_acknowledgement_has_the_gap_at_once(
    changes: Any,
) -> None:
    talk = talking(**changes)
    assert talk.client(0, b"abcdef", ack=0, captured=2) == [
        ("data", "client", 0, b"ab"),
        ("gap", "client", 2, 4, "truncated"),
    ]


def test_a_frame_of_which_no_payload_was_captured() -> None:
    talk = talking()
    assert talk.client(0, b"abcdef", ack=0, captured=0) == []
    talk.server(0, ack=6)
    assert talk.wait(0.021) == [("gap", "client", 0, 6, "truncated")]


def test_a_whole_copy_of_a_held_cut_frame_fills_it() -> None:
    talk = talking()
    talk.client(3, b"defghi", ack=0, captured=2)
    talk.client(5, b"fghi")
    talk.client(0, b"abc")
    assert talk.bytes_of(CLIENT) == b"abcdefghi"


def test_a_cut_copy_takes_nothing_from_a_whole_one() -> None:
    talk = talking(overlap="last")
    talk.client(3, b"defghi", ack=0)
    talk.client(3, b"defghi", captured=2)
    talk.client(0, b"abc")
    assert talk.bytes_of(CLIENT) == b"abcdefghi"
    assert talk.stream.counts(CLIENT)["gaps"] == 0


def test_cut_frames_that_wait_are_told_when_they_are_next() -> None:
    talk = talking()
    talk.client(3, b"defghi", ack=0, captured=1)
    talk.client(9, b"jkl")
    assert talk.client(0, b"abc") == [("data", "client", 0, b"abcd")]
    talk.server(0, ack=12)
    assert talk.wait(0.021) == [
        ("gap", "client", 4, 5, "truncated"),
        ("data", "client", 9, b"jkl"),
    ]


# gap="wait".


def test_whoever_waits_gives_nothing_up_by_an_acknowledgement() -> None:
    talk = talking(gap="wait")
    talk.client(3, b"def", ack=0)
    talk.server(0, ack=6)
    assert talk.wait(10) == []
    assert talk.client(0, b"abc") == [("data", "client", 0, b"abcdef")]


def test_whoever_waits_too_long_closes_the_stream() -> None:
    talk = talking(gap="wait", max_held_segments=2)
    talk.client(3, b"def", ack=0)
    talk.client(9, b"jkl")
    assert talk.client(15, b"pqr") == [
        ("gap", "client", 0, 3, "unacknowledged"),
        ("data", "client", 3, b"def"),
        ("gap", "client", 6, 3, "unacknowledged"),
        ("data", "client", 9, b"jkl"),
        ("gap", "client", 12, 3, "unacknowledged"),
        ("data", "client", 15, b"pqr"),
        ("closed", "buffer_limit"),
    ]
    assert talk.client(0, b"abc") == []


# The consumer goes on.


def test_skipping_makes_a_gap_and_delivers_what_is_held() -> None:
    talk = talking()
    talk.client(3, b"def", ack=0)
    skipped = talk.assembler.skip_to(talk.stream, CLIENT, 3)
    assert said(skipped) == [
        ("gap", "client", 0, 3, "skipped"),
        ("data", "client", 3, b"def"),
    ]
    assert talk.client(6, b"ghi") == [("data", "client", 6, b"ghi")]


def test_skipping_ahead_of_everything() -> None:
    talk = talking()
    assert said(talk.assembler.skip_to(talk.stream, CLIENT, 100)) == [
        ("gap", "client", 0, 100, "skipped")
    ]
    assert talk.client(97, b"abcdef", ack=0) == [("data", "client", 100, b"def")]


def test_skipping_back_does_nothing() -> None:
    talk = talking()
    talk.client(0, b"abc", ack=0)
    assert talk.assembler.skip_to(talk.stream, CLIENT, 2) == []


def test_skipping_ends_at_a_fin_and_may_close_the_stream() -> None:
    talk = talking()
    talk.server(0, flags=FIN, ack=0)
    talk.client(3, flags=FIN, ack=1)
    talk.server(1, ack=4)
    assert said(talk.assembler.skip_to(talk.stream, CLIENT, 100)) == [
        ("gap", "client", 0, 3, "skipped"),
        ("finished", "client"),
        ("closed", "fin"),
    ]


def test_skipping_over_several_holes() -> None:
    talk = talking()
    talk.client(3, b"def", ack=0)
    talk.client(9, b"jkl")
    talk.client(15, b"pqr")
    assert said(talk.assembler.skip_to(talk.stream, CLIENT, 9)) == [
        ("gap", "client", 0, 3, "skipped"),
        ("data", "client", 3, b"def"),
        ("gap", "client", 6, 3, "skipped"),
        ("data", "client", 9, b"jkl"),
    ]


# Whoever ignores a direction.


def test_an_ignored_direction_has_no_data_and_its_state_all_the_same() -> None:
    talk = talking()
    talk.assembler.ignore(talk.stream, CLIENT)
    assert talk.client(0, b"abc", ack=0) == []
    assert talk.client(6, b"ghi") == []
    assert talk.client(3, b"def") == []
    assert talk.server(0, b"xyz", ack=9) == [("data", "server", 0, b"xyz")]
    talk.client(9, flags=FIN)
    assert talk.server(3, ack=10) == [("finished", "client")]
    assert talk.stream.counts(CLIENT)["delivered_bytes"] == 9


def test_a_direction_may_be_ignored_before_its_first_packet() -> None:
    talk = Talk()
    talk.client(-1, flags=SYN, ack=None)
    talk.assembler.ignore(talk.stream, SERVER)
    talk.server(-1, flags=SYN, ack=0)
    assert talk.server(0, b"xyz") == []
    assert talk.client(0, b"abc", ack=3) == [("data", "client", 0, b"abc")]


def test_without_data_everything_else_is_told() -> None:
    talk = talking(deliver="acked")
    talk.client(3, b"dXf", ack=0)
    talk.client(3, b"def")
    talk.client(0, b"abc", flags=FIN)
    talk.client(6, flags=FIN)
    talk.server(0, b"xyz", ack=7)
    talk.server(6, flags=FIN)
    frames = talk.frames
    policy = talk.assembler.policy
    told = [event for event in feed_all(frames, policy) if not isinstance(event, Data)]
    assert said(feed_all(frames, policy, data=False)) == said(told)


# Delivered as acknowledged.


def acked(**changes: Any) -> Talk:
    return talking(deliver="acked", **changes)


def test_acknowledged_bytes_are_released() -> None:
    talk = acked()
    assert talk.client(0, b"abc", ack=0) == []
    assert talk.client(3, b"def") == []
    assert talk.stream.counts(CLIENT)["held_bytes"] == 6
    assert talk.server(0, ack=6) == [
        ("data", "client", 0, b"abc"),
        ("data", "client", 3, b"def"),
    ]


def test_only_what_is_acknowledged_is_released() -> None:
    talk = acked()
    talk.client(0, b"abcdef", ack=0)
    assert talk.server(0, ack=2) == [("data", "client", 0, b"ab")]
    assert talk.stream.counts(CLIENT)["held_bytes"] == 4
    assert talk.server(0, ack=6) == [("data", "client", 2, b"cdef")]


def test_a_request_comes_before_its_response() -> None:
    talk = acked()
    talk.client(0, b"GET", ack=0)
    assert talk.server(0, b"200", ack=3) == [("data", "client", 0, b"GET")]
    assert talk.client(3, ack=3) == [("data", "server", 0, b"200")]


def test_a_half_is_finished_once_its_fin_is_acknowledged() -> None:
    talk = acked()
    talk.client(0, b"abc", flags=FIN, ack=0)
    assert talk.server(0, ack=3) == [("data", "client", 0, b"abc")]
    assert talk.server(0, ack=4) == [("finished", "client")]
    assert talk.server(0, flags=FIN) == []
    assert talk.client(4, ack=1) == [("finished", "server"), ("closed", "fin")]


def test_the_unacknowledged_tail_is_marked() -> None:
    talk = acked()
    talk.client(0, b"abcdef", ack=0)
    talk.server(0, ack=2)
    assert talk.finish() == [
        ("data", "client", 2, b"cdef"),
        ("closed", "end_of_capture"),
    ]
    marks = [event.acknowledged for event in talk.events if isinstance(event, Data)]
    assert marks == [True, False]


def test_a_tail_that_is_acknowledged_in_part_is_split_at_the_end() -> None:
    talk = acked(gap_grace_s=None)
    talk.client(0, b"abc", ack=0)
    talk.client(3, b"def")
    talk.server(0, ack=4)
    talk.finish()
    told = [
        (event.offset, event.payload, event.acknowledged)
        for event in talk.events
        if isinstance(event, Data)
    ]
    assert told == [(0, b"abc", True), (3, b"d", True), (4, b"ef", False)]


def test_acknowledged_gaps_keep_their_place() -> None:
    talk = acked(gap_grace_s=0.0)
    talk.client(0, b"abc", ack=0)
    talk.client(6, b"ghi")
    assert talk.server(0, ack=2) == [("data", "client", 0, b"ab")]
    assert talk.server(0, ack=9) == [
        ("data", "client", 2, b"c"),
        ("gap", "client", 3, 3, "not_captured"),
        ("data", "client", 6, b"ghi"),
    ]


def test_too_much_that_nobody_acknowledges_is_let_go() -> None:
    talk = acked(max_held_bytes=5)
    assert talk.client(0, b"abc", ack=0) == []
    assert talk.client(3, b"def") == [
        ("data", "client", 0, b"abc"),
        ("data", "client", 3, b"def"),
    ]


def test_too_many_segments_that_nobody_acknowledges_are_let_go() -> None:
    talk = acked(max_held_segments=2)
    talk.client(0, b"a", ack=0)
    talk.client(1, b"b")
    assert [told[3] for told in talk.client(2, b"c")] == [b"a", b"b", b"c"]


def test_pieces_of_a_split_chunk_name_their_packets() -> None:
    talk = acked()
    talk.client(3, b"def", ack=0)
    talk.client(0, b"abc")
    talk.server(0, ack=4)
    talk.server(0, ack=6)
    pieces = [event.pieces for event in talk.events if isinstance(event, Data)]
    assert [[piece[:3] for piece in each] for each in pieces] == [
        [(0, 3, 5), (3, 1, 4)],
        [(4, 2, 4)],
    ]


def test_what_lost_leaves_no_seam_in_a_piece() -> None:
    talk = talking()
    talk.client(3, b"defgh", ack=0)
    talk.client(4, b"ef")
    talk.client(0, b"abc")
    (event,) = (event for event in talk.events if isinstance(event, Data))
    assert [piece[:3] for piece in event.pieces] == [(0, 3, 6), (3, 5, 4)]


@pytest.mark.parametrize("captured", [0, 3])
def test_a_cut_segment_that_comes_again_is_a_retransmission(captured: int) -> None:
    talk = Talk()
    talk.handshake()
    for _ in range(3):
        talk.client(0, b"x" * 100, captured=captured)
    talk.client(100, b"y" * 100, captured=captured)
    talk.server(0, ack=200)
    talk.client(100, b"y" * 100, captured=captured)
    talk.finish()
    assert talk.stream.retransmissions(CLIENT) == 3
