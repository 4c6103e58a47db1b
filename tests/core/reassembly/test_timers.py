"""Capture time: what ends by it, and what happens when it jumps or goes back."""

from typing import Any

import pytest

from tests.builder import FIN, MS, RST, SECOND, SYN, Conversation
from tests.talk import CLIENT, Talk, said
from unpacket import Assembler, Batch, Closed, Opened, Policy


def talking(**changes: Any) -> Talk:
    talk = Talk(**changes)
    talk.handshake()
    return talk


@pytest.mark.parametrize(
    ("policy", "quiet_s", "closed"),
    [
        pytest.param({}, 3599, False, id="default"),
        pytest.param({}, 3601, False, id="default, more than an hour"),
        pytest.param({"idle_timeout_s": 300}, 298, False, id="300 seconds, before"),
        pytest.param({"idle_timeout_s": 300}, 302, True, id="300 seconds, after"),
        pytest.param({"idle_timeout_s": 300}, 3601, True, id="300 seconds, an hour"),
        pytest.param({"idle_timeout_s": 5}, 3, False, id="five seconds, before"),
        pytest.param({"idle_timeout_s": 5}, 7, True, id="five seconds, after"),
        pytest.param({"idle_timeout_s": None}, 3599, False, id="never"),
    ],
)
@pytest.mark.parametrize("by", ["advance", "packet", "another stream"])
def test_an_idle_stream_is_closed(
    policy: dict[str, Any], quiet_s: int, closed: bool, by: str
) -> None:
    talk = talking(**policy)
    if by == "advance":
        told = talk.wait(quiet_s)
    elif by == "packet":
        told = talk.client(0, b"x", ack=0, wait_ns=quiet_s * SECOND)
    else:
        ends = {"client": ("10.0.0.9", 1234), "start_ns": talk.wire.now_ns}
        other = Talk(assembler=talk.assembler, conversation=ends)
        told = other.client(-1, flags=SYN, ack=None, wait_ns=quiet_s * SECOND)
    assert (("closed", "timeout") in told) is closed


def test_each_packet_puts_the_end_off() -> None:
    talk = talking(idle_timeout_s=300)
    for number in range(10):
        assert talk.client(number, b"x", ack=0, wait_ns=200 * SECOND)[0][0] == "data"
    assert talk.wait(301)[-1] == ("closed", "timeout")


def test_what_waits_is_told_at_the_end() -> None:
    talk = talking(gap_grace_s=None, idle_timeout_s=300)
    talk.client(3, b"def", ack=0)
    assert talk.wait(400) == [
        ("gap", "client", 0, 3, "unacknowledged"),
        ("data", "client", 3, b"def"),
        ("closed", "timeout"),
    ]


def test_a_syn_without_an_answer_is_given_up_sooner() -> None:
    talk = Talk(half_open_timeout_s=30)
    talk.client(-1, flags=SYN, ack=None)
    assert talk.wait(28) == []
    assert talk.wait(4) == [("closed", "timeout")]


def test_a_stream_of_which_one_side_was_captured_is_not_half_open() -> None:
    talk = Talk(half_open_timeout_s=30)
    talk.client(-1, flags=SYN, ack=None)
    talk.client(0, b"abc", ack=0)
    assert talk.wait(100) == []
    assert talk.client(3, b"def")[0][0] == "data"


def test_an_answered_stream_is_not_half_open() -> None:
    talk = talking(half_open_timeout_s=30)
    assert talk.wait(100) == []


def test_half_open_streams_may_stay() -> None:
    talk = Talk(half_open_timeout_s=None)
    talk.client(-1, flags=SYN, ack=None)
    assert talk.wait(3000) == []


@pytest.mark.parametrize("linger_s", [0, 5, 60])
def test_a_closed_stream_lingers(linger_s: int) -> None:
    talk = talking(linger_s=linger_s, close_grace_s=0)
    talk.client(0, flags=RST)
    assert len(talk.assembler.streams) == 1
    talk.wait(linger_s + 2)
    assert talk.assembler.streams == []


def test_late_packets_do_not_prolong_the_linger() -> None:
    talk = talking(linger_s=10, close_grace_s=0)
    talk.client(0, flags=RST)
    for _ in range(4):
        talk.client(0, b"late", wait_ns=2 * SECOND)
    assert len(talk.assembler.streams) == 1
    talk.wait(4)
    assert talk.assembler.streams == []


def test_streams_time_out_in_the_order_of_ids() -> None:
    assembler = Assembler(Policy(idle_timeout_s=300))
    talks = []
    for number in range(5):
        ends = {"client": (f"10.0.0.{9 - number}", 1000)}
        talks.append(Talk(assembler=assembler, conversation=ends))
        talks[-1].handshake()
    events = assembler.advance(talks[0].wire.now_ns + 3000 * SECOND)
    assert [event.stream.id for event in events] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("seconds", [1000, 1023, 1024, 1025, 2047, 2048, 3599])
def test_a_jump_of_time_ends_all_that_is_due(seconds: int) -> None:
    """The wheel has 1024 places, each of a second."""
    talk = talking(idle_timeout_s=300, close_grace_s=0)
    ends = {"client": ("10.0.0.9", 1234), "start_ns": talk.wire.now_ns}
    other = Talk(assembler=talk.assembler, conversation=ends)
    told = other.client(-1, flags=SYN, ack=None, wait_ns=seconds * SECOND)
    assert told == [("closed", "timeout"), ("opened",)]
    assert other.client(0, flags=RST, wait_ns=SECOND) == [("closed", "rst")]


def test_a_long_timeout_is_longer_than_the_wheel() -> None:
    talk = talking(idle_timeout_s=3000, half_open_timeout_s=3000, linger_s=3000)
    for _ in range(29):
        assert talk.wait(100) == []
    assert talk.wait(99) == []
    assert talk.wait(3) == [("closed", "timeout")]


@pytest.mark.parametrize("years", [1, 46, 80])
def test_a_step_of_the_clock_closes_nothing(years: int) -> None:
    """A device that learns the date says nothing about how long it was quiet."""
    talk = talking()
    talk.client(0, b"abc", ack=0)
    step_ns = years * 365 * 86400 * SECOND
    assert talk.client(3, b"def", wait_ns=step_ns) == [("data", "client", 3, b"def")]
    talk.client(9, b"jkl")
    talk.server(0, ack=12)
    assert talk.wait(0.021)[0] == ("gap", "client", 6, 3, "not_captured")
    assert talk.wait(301) == []


def test_a_step_back_of_the_clock_stops_no_timer() -> None:
    talk = talking()
    talk.client(0, b"abc", ack=0)
    talk.client(3, b"def", wait_ns=-50 * 365 * 86400 * SECOND)
    assert talk.assembler.backwards == 1
    talk.client(9, b"jkl")
    talk.server(0, ack=12)
    assert talk.server(0, ack=12, wait_ns=25 * MS)[0][0] == "gap"


def test_time_that_goes_back_is_counted() -> None:
    talk = talking()
    talk.client(0, b"abc", ack=0, wait_ns=-5 * MS)
    assert talk.assembler.backwards == 1
    talk.client(3, b"def", wait_ns=20 * MS)
    assert talk.assembler.backwards == 1
    assert talk.bytes_of(CLIENT) == b"abcdef"


def test_time_does_not_go_back_by_hand() -> None:
    talk = talking()
    assert talk.assembler.advance(0) == []
    assert talk.assembler.now_ns == talk.wire.now_ns


def test_before_the_first_packet_there_is_no_time() -> None:
    assembler = Assembler()
    assert assembler.now_ns is None
    assert assembler.advance(400 * SECOND) == []
    assert assembler.now_ns is None


@pytest.mark.parametrize(
    "start_ns",
    [
        pytest.param(0, id="1970"),
        pytest.param(-5 * SECOND, id="just before 1970"),
        pytest.param(-(10**9) * SECOND, id="long before 1970"),
        pytest.param(-(1 << 61), id="as early as can be told apart"),
        pytest.param((1 << 61), id="as late as can be told apart"),
    ],
)
def test_the_year_does_not_matter(start_ns: int) -> None:
    talk = Talk(conversation={"start_ns": start_ns}, idle_timeout_s=300)
    talk.handshake()
    talk.client(3, b"def", ack=0)
    assert talk.server(0, ack=6) == []
    assert [told[0] for told in talk.wait(0.021)] == ["gap", "data"]
    assert talk.wait(290) == []
    assert talk.wait(12) == [("closed", "timeout")]
    talk.wait(62)
    assert talk.assembler.streams == []


@pytest.mark.parametrize("first", [-(1 << 63), -(1 << 62), 0, (1 << 63) - 1])
@pytest.mark.parametrize("second", [-(1 << 63), 0, (1 << 62), (1 << 63) - 1])
def test_any_two_times_are_no_error(first: int, second: int) -> None:
    talk = Talk(conversation={"start_ns": 0}, half_open_timeout_s=None)
    talk.client(-1, flags=SYN, ack=None, at_ns=first)
    talk.client(0, b"abc", ack=0, at_ns=second)
    talk.client(6, b"ghi", ack=0, at_ns=first)
    talk.assembler.advance(second)
    talk.finish()
    assert talk.stream.counts(CLIENT)["seen_bytes"] == 6


@pytest.mark.parametrize(
    "name",
    [
        "gap_grace_s",
        "midstream_grace_s",
        "idle_timeout_s",
        "half_open_timeout_s",
        "linger_s",
        "fragment_timeout_s",
    ],
)
@pytest.mark.parametrize("value", [0, 1e-12, 1e9, 4e18])
def test_any_duration_that_a_policy_takes_can_be_used(name: str, value: float) -> None:
    durations: dict[str, Any] = {name: value}
    talk = Talk(**durations)
    talk.handshake()
    talk.client(3, b"def", ack=0)
    talk.server(0, ack=6)
    talk.client(9, flags=FIN, wait_ns=1000 * SECOND)
    assert talk.finish()[-1][0] == "closed"


def test_a_timeout_names_the_packet_that_told_the_time() -> None:
    talk = talking(idle_timeout_s=300)
    ends = {"client": ("10.0.0.9", 1234), "start_ns": talk.wire.now_ns}
    other = Talk(assembler=talk.assembler, conversation=ends)
    other.client(-1, flags=SYN, ack=None, wait_ns=400 * SECOND)
    closed = other.events[0]
    assert said([closed]) == [("closed", "timeout")]
    assert closed.frame == 4
    assert closed.time_ns == other.frames[-1].time_ns


LATEST_NS = (1 << 62) - 1


@pytest.mark.parametrize(
    "times",
    [
        pytest.param(
            [LATEST_NS, -26_573_608, 0, 0, -4_611_686_018_400_814_298], id="to and fro"
        ),
        pytest.param([LATEST_NS, -LATEST_NS, 0, SECOND, -LATEST_NS], id="to the ends"),
        pytest.param([-LATEST_NS, LATEST_NS] * 4, id="there and back"),
        pytest.param([(1 << 63) - 1, -(1 << 63)] * 3, id="beyond the ends"),
    ],
)
@pytest.mark.parametrize("between_ns", [None, LATEST_NS, 0, -LATEST_NS])
def test_no_clock_is_too_wild(times: list[int], between_ns: int | None) -> None:
    talk = Conversation()
    talk.handshake()
    frame = talk.frames[-1]
    assembler = Assembler()
    told = []
    for number, time_ns in enumerate(times, 1):
        batch = Batch.from_frames([frame._replace(time_ns=time_ns)], number)
        told += assembler.feed(batch)
        if between_ns is not None:
            told += assembler.advance(between_ns)
    told += assembler.finish()
    assert [type(event) for event in told].count(Opened) >= 1
    assert type(told[-1]) is Closed


def spoken(**changes: Any) -> Talk:
    """Return a talk of which three bytes of the client came."""
    talk = talking(**changes)
    talk.client(0, b"abc", ack=0)
    return talk


def test_no_hole_is_given_up_while_an_rst_waits() -> None:
    talk = spoken()
    talk.client(6, b"ghi", ack=0)
    talk.server(0, ack=9)
    talk.client(9, flags=RST)
    # The grace of the hole is over.
    assert talk.wait(1) == []
    talk.client(3, b"def", ack=0)
    talk.client(9, b"jkl", ack=0)
    assert talk.server(0, ack=12) == [
        ("rejected", "client", "rst", 9, b""),
        ("data", "client", 3, b"defghi"),
        ("data", "client", 9, b"jkl"),
    ]


def test_a_fin_with_bytes_that_came_before_ends_its_half_at_once() -> None:
    talk = spoken(close_grace_s=0)
    assert talk.client(0, b"abc", ack=0, flags=FIN) == [("finished", "client")]


@pytest.mark.parametrize("pause_s", [6, 700])
def test_a_fin_that_nobody_takes_ends_nothing(pause_s: float) -> None:
    talk = spoken()
    talk.client(3, flags=FIN, ack=0)
    talk.server(0, ack=3)
    assert talk.wait(pause_s) == []
    talk.client(3, b"def", ack=0)
    assert talk.server(0, ack=6) == [
        ("rejected", "client", "fin", 3, b""),
        ("data", "client", 3, b"def"),
    ]


def test_a_fin_that_is_sent_again_is_believed_after_the_time() -> None:
    talk = spoken()
    talk.client(3, flags=FIN, ack=0)
    talk.client(3, flags=FIN, ack=0)
    assert talk.wait(6) == [("finished", "client")]


def test_what_comes_next_says_whether_a_byte_or_a_fin_was_taken() -> None:
    talk = spoken()
    talk.client(3, flags=FIN, ack=0)
    talk.server(0, ack=3)
    assert talk.client(3, b"d", ack=0) == []
    assert talk.server(0, ack=4) == []
    talk.client(4, flags=FIN, ack=0)
    assert talk.server(0, ack=5) == [
        ("rejected", "client", "fin", 3, b""),
        ("data", "client", 3, b"d"),
        ("finished", "client"),
    ]
