"""Crafted conversations, and what Wireshark 4.0.17 says of each of their segments.

A row of a table is a frame behind the handshake: who sends, when (in ms since the
SYN), at which relative sequence number, how much, and what it acknowledges. ``{}`` is
what is found of it beyond nothing. The handshake takes 10 ms.
"""

from typing import Any

import pytest

from tests.analysis.observed import Row, of_frames
from tests.builder import FIN, MS, PSH, RST, SYN, Conversation, sack, window_scale
from unpacket.analysis.constants import NONE_YET

C, S = 0, 1
HANDSHAKE = 3
NOTHING: set[str] = set()
LOST, REORDERED = {"lost_segment"}, {"out_of_order"}
AGAIN = {"retransmission"}
SPURIOUS, FAST = {"spurious_retransmission"}, {"fast_retransmission"}
REPEATED, UNSEEN = {"duplicate_ack"}, {"ack_lost_segment"}


def conversation(*, options: bytes = b"", server_window: int = 8192) -> Conversation:
    """Return a conversation whose handshake was captured, frames 1 to 3."""
    talk = Conversation()
    talk.client(0, ack=None, flags=SYN, window=8192, options=options, at_ns=0)
    talk.server(
        0, ack=1, flags=SYN, window=server_window, options=options, at_ns=9 * MS
    )
    talk.client(1, ack=1, window=8192, at_ns=10 * MS)
    return talk


def play(talk: Conversation, script: list[tuple[Any, ...]]) -> list[Row]:
    """Send what a script has; return what was found of its frames."""
    before = len(talk.frames)
    for side, at_ms, seq, length, ack, *others in script:
        fields: dict[str, Any] = {"window": 8192}
        fields |= others[0] if others else {}
        payload = bytes(length)
        talk.send(side, seq, payload, ack=ack, at_ns=round(at_ms * MS), **fields)
    return of_frames(talk.frames)[before:]


def names(rows: list[Row]) -> list[set[str]]:
    return [row["names"] for row in rows]


def test_w1_bad_segments() -> None:
    """``tcp-badsegments.pcap``: all that can be wrong, soon after each other."""
    segments = [
        (C, 1, 16), (C, 17, 16), (C, 49, 16), (C, 33, 16), (S, 65),
        (C, 65, 16), (C, 65, 16), (C, 65, 32), (S, 97), (C, 113, 16), (C, 161, 16),
        (C, 161, 32), (C, 97, 16), (C, 129, 32), (C, 225, 32), (S, 257), (C, 287, 1),
        (C, 273, 1), (C, 289, 32), (S, 321), (C, 321, 2), (S, 323),
    ]  # fmt: skip
    talk = conversation()
    talk.step_ns = 1000
    for side, number, *length in segments:
        if side == C:
            talk.client(number, bytes(length[0]), ack=1, window=8192)
        else:
            talk.server(1, ack=number, window=8192)
    found = {row["frame"]: row["names"] for row in of_frames(talk.frames)}
    expected = dict.fromkeys(range(1, 26), NOTHING)
    expected |= dict.fromkeys((6, 13, 14, 18, 20, 22), LOST)
    expected |= dict.fromkeys((7, 11, 15, 16, 17, 21), REORDERED)
    expected |= {10: AGAIN} | dict.fromkeys((12, 19, 23), UNSEEN)
    assert found == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param(
            [
                (C, 20, 1, 100, 1),
                (S, 30, 1, 0, 101),
                (C, 40, 101, 100, 1),
                (C, 300, 101, 100, 1),
                (S, 310, 1, 0, 201),
                (C, 320, 101, 100, 1),
                (S, 330, 1, 0, 201),
            ],
            [NOTHING, NOTHING, NOTHING, AGAIN, NOTHING, SPURIOUS, REPEATED],
            id="W2: sent again after a timeout, and once more for nothing",
        ),
        pytest.param(
            [(C, 20, 1, 100, 1), (C, 21, 201, 100, 1), (C, 22, 101, 100, 1)],
            [NOTHING, LOST, REORDERED],
            id="W3: out of order",
        ),
        pytest.param(
            [(C, 20, 1, 100, 1), (C, 21, 201, 100, 1), (C, 40, 101, 100, 1)],
            [NOTHING, LOST, AGAIN],
            id="W4: too late to be out of order",
        ),
        pytest.param(
            [
                (C, 20, 1, 100, 1),
                (S, 25, 1, 0, 101),
                *((C, 30 + n, 201 + 100 * n, 100, 1) for n in range(4)),
                *((S, 35 + n, 1, 0, 101) for n in range(3)),
                (C, 40, 101, 100, 1),
                (S, 45, 1, 0, 601),
            ],
            [NOTHING, NOTHING, LOST, *3 * [NOTHING], *3 * [REPEATED], FAST, NOTHING],
            id="W6: fast retransmission",
        ),
        pytest.param(
            [
                (C, 20, 1, 100, 1),
                (S, 25, 1, 0, 101),
                *((C, 30 + n, 101 + 100 * n, 100, 1) for n in range(5)),
                *((S, 35 + n, 1, 0, 101) for n in range(3)),
                (C, 56, 101, 100, 1),
                (C, 60, 101, 100, 1),
            ],
            [*7 * [NOTHING], *3 * [REPEATED], FAST, AGAIN],
            id="W7: fast for 20 ms, and no longer",
        ),
        pytest.param(
            [
                (C, 20, 1, 100, 1),
                (S, 30, 1, 0, 201),
                (S, 31, 1, 0, 301),
                (C, 40, 301, 10, 1),
                (S, 50, 1, 0, 311),
            ],
            [NOTHING, {"ack_lost_segment"}, NOTHING, LOST, {"ack_lost_segment"}],
            id="W8: acknowledged and not captured",
        ),
        pytest.param(
            [
                (C, 20, 1, 100, 1),
                (S, 30, 1, 0, 101),
                (C, 10_000, 100, 0, 1),
                (S, 10_010, 1, 0, 101),
                (C, 20_000, 100, 1, 1),
                (S, 20_010, 1, 0, 101),
                (C, 30_000, 100, 2, 1),
            ],
            [
                NOTHING, NOTHING, {"keep_alive"}, {"keep_alive_ack"}, {"keep_alive"},
                {"keep_alive_ack"}, NOTHING,
            ],
            id="W9: keep-alives",
        ),
        pytest.param(
            [
                (C, 20, 1, 100, 1),
                (S, 30, 1, 0, 101, {"window": 0}),
                (C, 1000, 101, 1, 1),
                (S, 1010, 1, 0, 101, {"window": 0}),
                (C, 3000, 101, 1, 1),
                (S, 3010, 1, 0, 101, {"window": 0}),
                (S, 4000, 1, 0, 101, {"window": 4096}),
                (C, 4010, 101, 4, 1),
                (S, 4020, 1, 0, 105, {"window": 4096}),
            ],
            [
                NOTHING,
                {"zero_window"},
                *2 * [{"zero_window_probe"}, {"zero_window", "zero_window_probe_ack"}],
                {"window_update"},
                NOTHING,
                NOTHING,
            ],
            id="W10: a zero window and its probes",
        ),
    ],
)  # fmt: skip
def test_flags(script: list[tuple[Any, ...]], expected: list[set[str]]) -> None:
    assert names(play(conversation(), script)) == expected


def test_w2_times() -> None:
    rows = play(
        conversation(),
        [
            (C, 20, 1, 100, 1),
            (S, 30, 1, 0, 101),
            (C, 40, 101, 100, 1),
            (C, 300, 101, 100, 1),
            (S, 310, 1, 0, 201),
            (C, 320, 101, 100, 1),
            (S, 330, 1, 0, 201),
        ],
    )
    assert rows[0]["initial_rtt_ns"] == 10 * MS
    assert (rows[3]["rto_ns"], rows[3]["rto_frame"]) == (260 * MS, 6)
    assert (rows[4]["acks_frame"], rows[4]["ack_rtt_ns"]) == (6, 270 * MS)
    assert (rows[6]["duplicate_ack_num"], rows[6]["duplicate_ack_frame"]) == (1, 8)


def test_w3_and_w4_bytes_and_time() -> None:
    script = [(C, 20, 1, 100, 1), (C, 21, 201, 100, 1), (C, 40, 101, 100, 1)]
    rows = play(conversation(), script)
    assert rows[1]["bytes_in_flight"] == 0
    assert (rows[2]["rto_ns"], rows[2]["rto_frame"]) == (20 * MS, 4)


def test_w5_without_a_handshake_three_ms_are_in_order() -> None:
    script = [
        (C, 0, 1, 100, 1),
        (C, 1, 201, 100, 1),
        (C, 3.5, 101, 100, 1),
        (C, 4, 401, 100, 1),
        (C, 7.5, 301, 100, 1),
    ]
    rows = play(Conversation(), script)
    assert names(rows) == [NOTHING, LOST, REORDERED, LOST, AGAIN]


def test_w6_bytes_in_flight() -> None:
    script: list[tuple[Any, ...]] = [(C, 20, 1, 100, 1), (S, 25, 1, 0, 101)]
    script += [(C, 30 + n, 201 + 100 * n, 100, 1) for n in range(4)]
    script += [(S, 35 + n, 1, 0, 101) for n in range(3)]
    rows = play(conversation(), [*script, (C, 40, 101, 100, 1)])
    assert rows[-1]["bytes_in_flight"] == 500
    assert [row["duplicate_ack_num"] for row in rows[-4:-1]] == [1, 2, 3]
    assert {row["duplicate_ack_frame"] for row in rows[-4:-1]} == {5}


def test_w7_the_timeout_counts_from_the_oldest_segment() -> None:
    script: list[tuple[Any, ...]] = [(C, 20, 1, 100, 1), (S, 25, 1, 0, 101)]
    script += [(C, 30 + n, 101 + 100 * n, 100, 1) for n in range(5)]
    row = play(conversation(), [*script, (C, 60, 101, 100, 1)])[-1]
    assert (row["rto_ns"], row["rto_frame"]) == (30 * MS, 6)


def test_w8_flags_each_in_4_4() -> None:
    talk = conversation()
    script = [(C, 20, 1, 100, 1), (S, 30, 1, 0, 201), (S, 31, 1, 0, 301)]
    play(talk, script)
    newer = of_frames(talk.frames, newer=True)
    assert [row["names"] for row in newer[-2:]] == 2 * [{"ack_lost_segment"}]


def test_w11_the_window_is_full_and_not_more_than_full() -> None:
    rows = play(
        conversation(server_window=300),
        [
            (C, 20, 1, 200, 1),
            (C, 21, 201, 100, 1),
            (S, 30, 1, 0, 301, {"window": 300}),
            (C, 40, 301, 301, 1),
        ],
    )
    assert names(rows) == [NOTHING, {"window_full"}, NOTHING, NOTHING]


def test_w12_windows_are_scaled() -> None:
    rows = play(
        conversation(options=window_scale(2)),
        [
            (S, 15, 1, 0, 1, {"window": 100}),
            (C, 20, 1, 300, 1),
            (C, 21, 301, 100, 1),
        ],
    )
    assert names(rows) == [{"window_update"}, NOTHING, {"window_full"}]
    assert rows[0]["window"] == 400


def test_w13_ports_are_reused() -> None:
    talk = conversation()
    talk.client(1, ack=1, flags=FIN, at_ns=20 * MS)
    talk.server(1, ack=2, flags=FIN, at_ns=30 * MS)
    talk.client(2, ack=2, at_ns=31 * MS)
    talk.send(0, 90_000, flags=SYN, ack=None, raw=True, at_ns=1000 * MS)
    last = of_frames(talk.frames)[-1]
    assert last["names"] == {"reused_ports"}
    assert (last["conversation"], last["completeness"]) == (1, 1)


def test_w14_bytes_in_flight_and_since_a_push() -> None:
    push = {"flags": PSH}
    rows = play(
        conversation(),
        [
            (C, 20, 1, 100, 1),
            (C, 21, 101, 50, 1, push),
            (C, 22, 151, 100, 1),
            (C, 23, 251, 100, 1),
            (C, 24, 351, 10, 1, push),
            (S, 30, 1, 0, 151),
            (C, 31, 361, 5, 1, push),
        ],
    )
    sent = [row for row in rows if row["length"]]
    assert [row["bytes_in_flight"] for row in sent] == [100, 150, 250, 350, 360, 215]
    assert [row["push_bytes_sent"] for row in sent] == [100, 150, 100, 200, 210, 5]


def test_w15_what_was_sacked_is_not_in_flight() -> None:
    talk = conversation()
    isn = talk.isns[C]
    blocks = {"options": sack((isn + 201, isn + 401))}
    script: list[tuple[Any, ...]] = [(C, 20 + n, 1 + 100 * n, 100, 1) for n in range(4)]
    script += [(S, 30, 1, 0, 101, blocks), (C, 31, 401, 100, 1)]
    assert play(talk, script)[-1]["bytes_in_flight"] == 200


def test_w16_more_than_was_sent_before() -> None:
    script = [(C, 20, 1, 6, 1), (C, 21, 1, 10, 1), (C, 520, 5, 10, 1)]
    assert names(play(conversation(), script)) == [NOTHING, REORDERED, AGAIN]


def test_w17_syns_sent_again() -> None:
    talk = Conversation()
    for at_ms in (0, 1000, 3000):
        talk.client(0, ack=None, flags=SYN, at_ns=at_ms * MS)
    talk.server(0, ack=1, flags=SYN, at_ns=3010 * MS)
    talk.client(1, ack=1, at_ns=3020 * MS)
    rows = of_frames(talk.frames)
    assert names(rows) == [NOTHING, AGAIN, AGAIN, NOTHING, NOTHING]
    assert [(row["rto_ns"], row["rto_frame"]) for row in rows[1:3]] == [
        (1000 * MS, 1),
        (3000 * MS, 1),
    ]
    assert rows[3]["ack_rtt_ns"] == 3010 * MS
    assert rows[4]["initial_rtt_ns"] == 20 * MS


def test_w18_data_in_a_syn_counts_for_completeness() -> None:
    talk = Conversation()
    talk.client(0, b"TFODATA", ack=None, flags=SYN)
    talk.server(0, ack=8, flags=SYN)
    talk.client(8, ack=1)
    talk.client(8, b"rest", ack=1)
    talk.server(1, b"resp", ack=12)
    rows = of_frames(talk.frames)
    assert (rows[0]["completeness"], rows[-1]["completeness"]) == (9, 15)


def test_w19_fins_sent_again() -> None:
    talk = conversation()
    talk.client(1, b"hello", ack=1, at_ns=15 * MS)
    talk.server(1, ack=6, at_ns=16 * MS)
    talk.client(6, ack=1, flags=FIN, at_ns=20 * MS)
    talk.client(6, ack=1, flags=FIN, at_ns=240 * MS)
    rows = of_frames(talk.frames)
    assert names(rows[-2:]) == [NOTHING, AGAIN]
    assert rows[-1]["completeness"] == 31


@pytest.mark.parametrize(
    ("steps", "completeness", "newer"),
    [
        pytest.param("S R", 37, 37, id="refused"),
        pytest.param("S H a d r", 47, 47, id="handshake, data, RST"),
        pytest.param("S H a f F a", 23, 23, id="no data"),
        pytest.param("d A f F", 20, 28, id="from the middle"),
    ],
)
def test_w20_completeness(steps: str, completeness: int, newer: int) -> None:
    talk = Conversation()
    send = {
        "S": lambda: talk.client(0, ack=None, flags=SYN),
        "H": lambda: talk.server(0, ack=1, flags=SYN),
        "R": lambda: talk.server(0, ack=1, flags=RST),
        "a": lambda: talk.client(1, ack=1),
        "A": lambda: talk.server(1, ack=3),
        "d": lambda: talk.client(1, b"hi", ack=1),
        "r": lambda: talk.client(3, ack=1, flags=RST),
        "f": lambda: talk.client(3, ack=1, flags=FIN),
        "F": lambda: talk.server(1, ack=4, flags=FIN),
    }
    for step in steps.split():
        send[step]()
    assert of_frames(talk.frames)[-1]["completeness"] == completeness
    assert of_frames(talk.frames, newer=True)[-1]["completeness"] == newer


def newer(talk: Conversation, script: list[tuple[Any, ...]]) -> list[Row]:
    """Return what 4.4 finds of the frames of a script."""
    before = len(talk.frames)
    play(talk, script)
    return of_frames(talk.frames, newer=True)[before:]


def test_4_4_knows_acknowledgements_of_a_part_of_a_segment() -> None:
    rows = newer(conversation(), [(C, 20, 1, 100, 1), (S, 30, 1, 0, 51)])
    assert names(rows) == [NOTHING, {"partial_ack"}]
    assert rows[1]["ack_rtt_ns"] == 10 * MS


def test_4_4_does_not_call_out_of_order_what_was_captured() -> None:
    script = [(C, 20, 1, 100, 1), (C, 21, 101, 100, 1), (C, 22, 1, 100, 1)]
    assert names(newer(conversation(), script))[-1] == AGAIN
    assert names(play(conversation(), script))[-1] == REORDERED


def test_4_4_takes_holes_of_sacks_for_fast_retransmissions() -> None:
    talk = conversation()
    isn = talk.isns[C]
    blocks = {"options": sack((isn + 301, isn + 401))}
    script: list[tuple[Any, ...]] = [(C, 20 + n, 1 + 100 * n, 100, 1) for n in range(4)]
    script += [(S, 30, 1, 0, 101), *((S, 31 + n, 1, 0, 101, blocks) for n in range(2))]
    script += [(C, 36, 201, 100, 1)]
    assert names(newer(talk, script))[-1] == FAST
    assert names(of_frames(talk.frames))[-1] == AGAIN


def test_4_4_updates_a_window_with_the_byte_of_a_probe() -> None:
    script: list[tuple[Any, ...]] = [
        (C, 20, 1, 100, 1),
        (S, 30, 1, 0, 101, {"window": 0}),
        (C, 1000, 101, 1, 1),
        (S, 1010, 1, 0, 102, {"window": 4096}),
    ]
    assert names(newer(conversation(), script))[-1] == {
        "window_update",
        "ack_lost_segment",
    }


def test_4_4_begins_a_stream_with_the_same_number_behind_a_reset() -> None:
    talk = conversation()
    talk.client(1, ack=1, flags=RST, at_ns=20 * MS)
    talk.client(0, ack=None, flags=SYN, at_ns=30 * MS)
    assert of_frames(talk.frames)[-1]["conversation"] == 0
    last = of_frames(talk.frames, newer=True)[-1]
    assert (last["conversation"], last["names"]) == (1, {"reused_ports"})


def test_nothing_is_said_where_nothing_is_known() -> None:
    row = of_frames([Conversation().client(1, ack=1)])[0]
    assert row["names"] == NOTHING
    assert row["initial_rtt_ns"] == row["ack_rtt_ns"] == row["rto_ns"] == NONE_YET


def test_handshake_is_three_frames() -> None:
    assert len(conversation().frames) == HANDSHAKE
