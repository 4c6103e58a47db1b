"""What a receiver would accept, and what happens to the rest."""

from typing import Any

import pytest

from tests.builder import ACK, FIN, PSH, RST, SYN
from tests.talk import CLIENT, SERVER, Talk, said

BAD: dict[str, Any] = {"sum_xor": 0x1234}


# Checksums.


@pytest.mark.parametrize(
    ("rule", "good_before", "accepted"),
    [
        pytest.param("auto", True, False, id="auto, after good ones"),
        pytest.param("auto", False, True, id="auto, where all are wrong"),
        pytest.param("verify", False, False, id="verify"),
        pytest.param("ignore", True, True, id="ignore"),
    ],
)
def test_a_bad_checksum(rule: Any, good_before: bool, accepted: bool) -> None:
    talk = Talk(checksum=rule)
    talk.handshake(**({} if good_before or rule == "verify" else BAD))
    told = talk.client(0, b"abc", ack=0, **BAD)
    if accepted:
        assert told == [("data", "client", 0, b"abc")]
    elif rule == "verify":
        assert told == [("rejected", "client", "checksum", 0, b"abc")]
        assert talk.client(0, b"xyz") == [("data", "client", 0, b"xyz")]
    else:
        assert told == []
        assert talk.client(0, b"xyz") == [
            ("rejected", "client", "checksum", 0, b"abc"),
            ("data", "client", 0, b"xyz"),
        ]


def test_a_bad_checksum_counts_for_nothing_if_the_bytes_are_acknowledged() -> None:
    """The sum was spoiled by offload, or by an edit, and the receiver took them."""
    talk = Talk()
    talk.handshake()
    assert talk.client(0, b"abc", ack=0, **BAD) == []
    assert talk.server(0, ack=3) == [("data", "client", 0, b"abc")]
    assert talk.events[-1].doubt == "checksum"
    assert talk.stream.counts(CLIENT)["doubted"] == {"checksum": 3}
    talk.finish()
    assert talk.stream.counts(CLIENT)["gaps"] == 0


def test_one_side_may_be_the_side_with_offload() -> None:
    """The sender was captured on its own machine, before the card wrote the sum."""
    talk = Talk()
    talk.client(-1, flags=SYN, ack=None, **BAD)
    talk.server(-1, flags=SYN, ack=0)
    talk.client(0, ack=0, **BAD)
    assert talk.client(0, b"abc", **BAD) == [("data", "client", 0, b"abc")]
    assert talk.server(0, b"xyz", ack=3, **BAD) == []
    assert talk.server(0, b"XYZ", ack=3) == [
        ("rejected", "server", "checksum", 0, b"xyz"),
        ("data", "server", 0, b"XYZ"),
    ]


def test_a_cut_frame_is_not_judged() -> None:
    talk = Talk(checksum="verify")
    talk.handshake()
    assert talk.client(0, b"abcdef", ack=0, captured=4, **BAD) == [
        ("data", "client", 0, b"abcd")
    ]
    talk.server(0, ack=6)
    assert talk.wait(0.021) == [("gap", "client", 4, 2, "truncated")]


@pytest.mark.parametrize("flags", [SYN, RST, FIN])
def test_flags_of_a_damaged_segment_mean_nothing(flags: int) -> None:
    talk = Talk()
    talk.handshake()
    talk.client(0, b"abc", ack=0)
    told = talk.client(3, flags=flags, **BAD)
    assert told == [("rejected", "client", "checksum", 3, b"")]
    assert talk.client(3, b"def") == [("data", "client", 3, b"def")]


# Flags.


def test_data_without_ack_is_rejected() -> None:
    talk = Talk()
    talk.handshake()
    assert talk.client(0, b"abc", ack=None, flags=PSH) == []
    assert talk.client(0, b"xyz", ack=0) == [
        ("rejected", "client", "no_ack", 0, b"abc"),
        ("data", "client", 0, b"xyz"),
    ]


def test_a_fin_without_ack_is_rejected() -> None:
    talk = Talk(doubt="refuse")
    talk.handshake()
    assert talk.client(0, flags=FIN, ack=None) == []
    assert talk.finish()[0] == ("rejected", "client", "no_ack", 0, b"")


def test_data_without_ack_is_fine_before_the_peer_was_seen() -> None:
    """A capture whose tool writes no ACK at all."""
    talk = Talk()
    talk.client(-1, flags=SYN, ack=None)
    assert talk.client(0, b"abc", ack=None) == [("data", "client", 0, b"abc")]


def test_the_payload_of_a_reset_is_no_data() -> None:
    talk = Talk(close_grace_s=0)
    talk.handshake()
    assert talk.client(0, b"go away", flags=RST) == [("closed", "rst")]
    assert talk.bytes_of(CLIENT) == b""


def test_a_syn_with_all_flags_is_a_reset() -> None:
    talk = Talk(close_grace_s=0)
    talk.handshake()
    assert talk.client(0, b"x", flags=SYN | RST | FIN | ACK) == [("closed", "rst")]


# Timestamps (PAWS).


def with_timestamps(**changes: Any) -> Talk:
    talk = Talk(**changes)
    talk.handshake(timestamp=100)
    talk.client(0, b"abc", ack=0, timestamp=105)
    return talk


@pytest.mark.parametrize(
    ("value", "accepted"),
    [
        pytest.param(106, True, id="later"),
        pytest.param(105, True, id="the same"),
        pytest.param(104, True, id="a tick earlier"),
        pytest.param(103, False, id="earlier"),
        pytest.param(105 + (1 << 31) - 1, True, id="as late as can be"),
        pytest.param(105 + (1 << 31), True, id="half way round, as Linux has it"),
        pytest.param(106 + (1 << 31), False, id="farther"),
        pytest.param(None, True, id="none at all"),
    ],
)
def test_a_timestamp_from_the_past_is_rejected(
    value: int | None, accepted: bool
) -> None:
    talk = with_timestamps()
    told = talk.client(3, b"def", timestamp=value)
    if accepted:
        assert told == [("data", "client", 3, b"def")]
    else:
        assert told == []
        assert talk.client(3, b"DEF", timestamp=106) == [
            ("rejected", "client", "timestamp", 3, b"def"),
            ("data", "client", 3, b"DEF"),
        ]


def test_an_old_timestamp_counts_if_the_peer_acknowledges_it() -> None:
    """A retransmission that overtook it had set the clock."""
    talk = with_timestamps()
    assert talk.client(3, b"def", timestamp=103) == []
    assert talk.server(0, ack=6, timestamp=105) == [("data", "client", 3, b"def")]


@pytest.mark.parametrize("grace_s", [0.0, 0.02])
def test_an_acknowledgement_of_several_suspects_leaves_no_gap_between(
    grace_s: float,
) -> None:
    """Whoever waits for no hole still has what was seen and acknowledged."""
    talk = with_timestamps(gap_grace_s=grace_s)
    talk.client(12, b"mno", timestamp=106)
    for offset, payload in ((9, b"jkl"), (3, b"def"), (6, b"ghi")):
        assert talk.client(offset, payload, timestamp=103) == []
    told = talk.server(0, ack=15, timestamp=105) + talk.finish()
    assert not [event for event in told if event[0] == "gap"]
    assert talk.bytes_of(CLIENT) == b"abcdefghijklmno"


def test_a_fin_with_an_old_timestamp_is_rejected() -> None:
    talk = with_timestamps()
    assert talk.client(3, flags=FIN, timestamp=103) == []
    assert talk.client(3, b"def", timestamp=106) == [("data", "client", 3, b"def")]
    assert talk.server(0, ack=6) == [("rejected", "client", "timestamp", 3, b"")]


def test_timestamps_wrap() -> None:
    talk = Talk()
    talk.handshake(timestamp=0xFFFFFFFE)
    assert talk.client(0, b"abc", ack=0, timestamp=3)[0][0] == "data"
    assert talk.client(3, b"def", timestamp=4)[0][0] == "data"
    assert talk.client(6, b"ghi", timestamp=0xFFFFFFFF) == []
    assert talk.client(6, b"GHI", timestamp=5)[0][:3] == (
        "rejected",
        "client",
        "timestamp",
    )


def test_timestamps_count_only_where_both_sides_agreed() -> None:
    talk = Talk()
    talk.client(-1, flags=SYN, ack=None, timestamp=100)
    talk.server(-1, flags=SYN, ack=0)
    talk.client(0, ack=0, timestamp=101)
    assert talk.client(0, b"abc", timestamp=50) == [("data", "client", 0, b"abc")]


def test_paws_may_be_turned_off() -> None:
    talk = with_timestamps(paws=False)
    assert talk.client(3, b"def", timestamp=1) == [("data", "client", 3, b"def")]


def test_reordering_is_not_the_past() -> None:
    """What was overtaken bears an earlier timestamp than what overtook it."""
    talk = with_timestamps()
    talk.client(9, b"jkl", timestamp=108)
    talk.client(6, b"ghi", timestamp=107)
    talk.client(3, b"def", timestamp=106)
    assert talk.bytes_of(CLIENT) == b"abcdefghijkl"


def test_a_decoy_with_an_old_timestamp_is_not_in_the_stream() -> None:
    talk = with_timestamps()
    talk.client(3, b"BAD", timestamp=1)
    talk.client(3, b"def", timestamp=106)
    assert talk.bytes_of(CLIENT) == b"abcdef"


# Windows.


def with_window(window: int) -> Talk:
    talk = Talk()
    talk.handshake(window=window)
    return talk


def test_data_beyond_every_window_waits_for_its_acknowledgement() -> None:
    talk = with_window(1000)
    far = 200_000
    assert talk.client(far, b"far", ack=0) == []
    assert talk.stream.counts(CLIENT)["held_bytes"] == 3
    talk.client(0, b"abc")
    talk.server(0, ack=3)
    assert talk.finish() == [
        ("rejected", "client", "window", far, b"far"),
        ("closed", "end_of_capture"),
    ]


def test_data_beyond_every_window_counts_if_acknowledged() -> None:
    talk = with_window(1000)
    far = 200_000
    talk.client(far, b"far", ack=0)
    talk.server(0, ack=far + 3)
    talk.finish()
    assert talk.bytes_of(CLIENT) == b"far"
    assert talk.stream.counts(CLIENT)["gap_bytes"] == far


def test_the_window_is_scaled() -> None:
    talk = Talk()
    talk.handshake(wscale=7, window=500)
    talk.server(0, ack=0, window=1000)
    talk.client(200_000, b"in", ack=0)
    assert talk.stream.counts(CLIENT)["out_of_order"] == 1
    talk.client(400_000, b"out")
    assert ("rejected", "client", "window", 400_000, b"out") in talk.finish()


def test_a_window_that_was_never_seen_may_be_of_any_size() -> None:
    talk = Talk()
    talk.client(-1, flags=SYN, ack=None)
    talk.client(1 << 29, b"far", ack=0)
    assert talk.stream.counts(CLIENT)["out_of_order"] == 1


def test_windows_may_be_ignored() -> None:
    talk = Talk(window=False)
    talk.handshake(window=1000)
    talk.client(200_000, b"far", ack=0)
    assert talk.stream.counts(CLIENT)["out_of_order"] == 1


# Suspects: TTL, window probes, data in a SYN.


def test_a_far_ttl_waits_for_its_acknowledgement() -> None:
    talk = Talk()
    talk.handshake()
    assert talk.client(0, b"abc", ack=0, ttl=10) == []
    assert talk.server(0, ack=3) == [("data", "client", 0, b"abc")]


def test_a_far_ttl_loses_against_a_copy_with_the_usual_one() -> None:
    talk = Talk()
    talk.handshake()
    talk.client(0, b"BAD", ack=0, ttl=10)
    talk.client(0, b"abc", ack=0)
    talk.server(0, ack=3)
    talk.finish()
    assert talk.bytes_of(CLIENT) == b"abc"
    assert ("rejected", "client", "ttl", 0, b"BAD") in said(talk.events)


def test_a_far_ttl_that_nobody_acknowledges_is_delivered_and_marked() -> None:
    talk = Talk()
    talk.handshake()
    talk.client(0, b"abc", ack=0, ttl=10)
    assert talk.finish() == [
        ("data", "client", 0, b"abc"),
        ("closed", "end_of_capture"),
    ]
    assert talk.events[-2].doubt == "ttl"


def test_whoever_refuses_what_is_in_doubt_rejects_a_far_ttl() -> None:
    talk = Talk(doubt="refuse")
    talk.handshake()
    talk.client(0, b"BAD", ack=0, ttl=10)
    assert talk.finish() == [
        ("rejected", "client", "ttl", 0, b"BAD"),
        ("closed", "end_of_capture"),
    ]


@pytest.mark.parametrize(
    ("ttl", "distance", "suspect"),
    [
        pytest.param(49, 16, False, id="near enough below"),
        pytest.param(48, 16, True, id="far below"),
        pytest.param(79, 16, False, id="near enough above"),
        pytest.param(80, 16, True, id="far above"),
        pytest.param(1, 0, False, id="turned off"),
    ],
)
def test_how_far_a_ttl_may_be(ttl: int, distance: int, suspect: bool) -> None:
    talk = Talk(ttl_distance=distance)
    talk.handshake(ttl=64)
    told = talk.client(0, b"abc", ack=0, ttl=ttl)
    assert told == ([] if suspect else [("data", "client", 0, b"abc")])


def test_another_route_is_no_attack() -> None:
    """From some packet on all come another way, and the peer acknowledges them."""
    talk = Talk()
    talk.handshake()
    for number in range(20):
        talk.client(3 * number, b"abc", ttl=64 if number < 10 else 40)
        talk.server(0, ack=3 * number + 3)
    assert talk.bytes_of(CLIENT) == b"abc" * 20
    assert talk.stream.counts(CLIENT)["rejected_bytes"] == 0


@pytest.mark.parametrize("count", [50, 400])
def test_another_route_is_no_attack_where_one_side_was_captured(count: int) -> None:
    talk = Talk(max_held_segments=100)
    talk.client(-1, flags=SYN, ack=None)
    for number in range(count):
        talk.client(3 * number, b"abc", ack=0, ttl=64 if number < 10 else 40)
    talk.finish()
    assert talk.bytes_of(CLIENT) == b"abc" * count
    assert talk.stream.counts(CLIENT)["gaps"] == 0


def test_a_keep_alive_is_not_data() -> None:
    talk = Talk(notes=True)
    talk.handshake()
    talk.client(0, b"abc", ack=0)
    talk.server(0, ack=3)
    assert talk.client(2, b"\0") == [("note", "client", "keep_alive", 2)]
    assert talk.client(2, b"") == []
    assert talk.client(3, b"def") == [("data", "client", 3, b"def")]
    assert talk.stream.counts(CLIENT)["keep_alives"] == 1
    assert talk.stream.complete is False
    assert talk.stream.counts(CLIENT)["conflicts"] == 0


def test_a_window_probe_counts_once_it_is_acknowledged() -> None:
    talk = Talk()
    talk.handshake()
    talk.client(0, b"abc", ack=0)
    talk.server(0, ack=3, window=0)
    assert talk.client(3, b"d") == []
    assert talk.server(0, ack=3, window=0) == []
    assert talk.client(3, b"d") == []
    assert talk.server(0, ack=4, window=100) == [("data", "client", 3, b"d")]
    assert talk.client(4, b"ef") == [("data", "client", 4, b"ef")]
    assert talk.stream.counts(CLIENT)["duplicate_bytes"] == 1


def test_a_window_probe_that_was_not_taken_is_sent_again() -> None:
    talk = Talk()
    talk.handshake()
    talk.client(0, b"abc", ack=0)
    talk.server(0, ack=3, window=0)
    talk.client(3, b"d")
    talk.server(0, ack=3, window=100)
    talk.client(3, b"def")
    talk.server(0, ack=6)
    assert talk.bytes_of(CLIENT) == b"abcdef"


def test_data_in_a_syn_is_at_offset_0() -> None:
    talk = Talk()
    talk.client(-1, b"hello", flags=SYN, ack=None)
    told = talk.server(-1, flags=SYN, ack=5)
    assert told == [("data", "client", 0, b"hello")]
    assert talk.client(5, b"more", ack=0) == [("data", "client", 5, b"more")]


def test_data_in_a_syn_that_is_not_acknowledged_comes_again() -> None:
    talk = Talk()
    talk.client(-1, b"hello", flags=SYN, ack=None)
    assert talk.server(-1, flags=SYN, ack=0) == [
        ("rejected", "client", "fast_open", 0, b"hello")
    ]
    assert talk.client(0, b"HELLO", ack=0) == [("data", "client", 0, b"HELLO")]


def test_data_in_a_syn_counts_as_far_as_it_is_acknowledged() -> None:
    talk = Talk()
    talk.client(-1, b"hello", flags=SYN, ack=None)
    talk.server(-1, flags=SYN, ack=2)
    talk.client(2, b"LLO", ack=0)
    talk.server(0, ack=5)
    assert talk.bytes_of(CLIENT) == b"heLLO"
    assert talk.stream.counts(CLIENT)["gaps"] == 0


@pytest.mark.parametrize("true", [0, 1])
def test_only_data_of_the_true_syn_counts(true: int) -> None:
    talk = Talk()
    talk.client(-1, b"here", flags=SYN, ack=None)
    talk.client(99, b"there", flags=SYN, ack=None)
    texts, first = [b"here", b"there"], [0, 100][true]
    told = talk.server(-1, flags=SYN, ack=first + len(texts[true]))
    assert ("data", "client", 0, texts[true]) in told
    talk.client(first + len(texts[true]), b"more", ack=0)
    talk.finish()
    assert talk.bytes_of(CLIENT) == texts[true] + b"more"
    assert talk.stream.counts(CLIENT)["rejected"] == {"fast_open": 1}


def test_data_in_a_syn_ack() -> None:
    talk = Talk()
    talk.client(-1, flags=SYN, ack=None)
    talk.server(-1, b"banner", flags=SYN, ack=0)
    assert talk.client(0, ack=6) == [("data", "server", 0, b"banner")]
    assert talk.server(6, b"!") == [("data", "server", 6, b"!")]


def test_the_counts_of_a_half_add_up_while_suspects_wait() -> None:
    talk = Talk()
    talk.client(-1, b"hello", flags=SYN, ack=None)
    counts = talk.stream.counts(CLIENT)
    assert counts["seen_bytes"] == counts["held_bytes"] == 5
    assert talk.stream.counts(SERVER)["seen_bytes"] == 0


def test_an_acknowledgement_alone_is_never_data() -> None:
    talk = Talk()
    talk.handshake()
    for _ in range(3):
        assert talk.client(0, ack=0) == []
        assert talk.client(0, ack=0, flags=PSH) == []
    assert talk.stream.counts(CLIENT)["seen_bytes"] == 0
