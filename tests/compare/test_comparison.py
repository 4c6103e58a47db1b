"""Differences between our streams and another program's, and the rule of each."""

from contextlib import nullcontext
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import unpacket
from tests.builder import ACK, RST, Conversation, ethernet, ip, tcp
from unpacket import Batch, Policy, WholeStream
from unpacket.compare.comparison import RULES, compare, differences
from unpacket.compare.explain import Difference, Frames, trailers_of
from unpacket.compare.tools.programs import Runs, Said, Tshark
from unpacket.faces.iterate import Chunk

CLIENT = unpacket.Endpoint("10.0.0.1", 40000)
SERVER = unpacket.Endpoint("10.0.0.2", 80)


def talk_of(*segments: tuple[int, bytes], ack: int | None = None) -> Conversation:
    """Return a conversation whose client sends what stands at some offsets."""
    talk = Conversation(client=CLIENT, server=SERVER)
    talk.handshake()
    for offset, payload in segments:
        talk.client(1 + offset, payload)
    if ack is not None:
        talk.server(1, ack=1 + ack)
    return talk


def compared(talk: Conversation, *said: Runs, **options: Any) -> list[Difference]:
    whole = list(unpacket.streams(talk.packets))
    theirs = [Said(CLIENT, SERVER, runs) for runs in said]
    return list(differences(whole, theirs, **options))


def gapped() -> Conversation:
    return talk_of((0, b"AAAA"), (10, b"BBBB"), ack=14)


def unacknowledged_hole() -> Conversation:
    return talk_of((0, b"AAAA"), (10, b"BBBB"))


def conflicting() -> Conversation:
    return talk_of((0, b"GOODGOOD"), (0, b"GOODEVIL"), ack=8)


def rejecting() -> Conversation:
    talk = talk_of((0, b"AAAA"))
    talk.client(5, b"EVIL", sum_xor=0x5555)
    talk.client(5, b"BBBB")
    talk.server(1, ack=9)
    return talk


def kept_alive() -> Conversation:
    talk = talk_of((0, b"AAAA"), ack=4)
    talk.client(4, b"\0")
    talk.client(5, b"BBBB")
    talk.server(1, ack=9)
    return talk


def reset() -> Conversation:
    talk = talk_of((0, b"AAAA"), ack=4)
    talk.client(5, b"go away", flags=RST)
    return talk


def behind_a_reset() -> Conversation:
    talk = talk_of((0, b"AAAA"), ack=4)
    talk.server(1, ack=5, flags=RST | ACK)
    talk.client(5, b"in flight")
    return talk


def ended() -> Conversation:
    talk = talk_of((0, b"AAAA"), ack=4)
    talk.farewell(5, 1)
    talk.client(5, b"late", at_ns=20 * 1_000_000_000)
    return talk


def plain() -> Conversation:
    return talk_of((0, b"0123456789"), (10, b"abcdefghij"), ack=20)


@pytest.mark.parametrize(
    "talk, runs, rules",
    [
        pytest.param(plain, [b"0123456789abcdefghij"], [], id="the same"),
        pytest.param(plain, [b"0123", b"456789abcdefghij"], [], id="cut otherwise"),
        pytest.param(gapped, [b"AAAA", 6, b"BBBB"], [], id="the same gap"),
        pytest.param(
            gapped, [b"AAAA" + b"\0" * 6 + b"BBBB"], [("zeros", 4, 6)], id="NULs"
        ),
        pytest.param(
            gapped, [b"AAAAxyzxyzBBBB"], [("invented", 4, 6)], id="made-up bytes"
        ),
        pytest.param(
            gapped, [b"AAAABBBB"], [("gap_not_told", 4, 6)], id="joined over a gap"
        ),
        pytest.param(
            unacknowledged_hole, [b"AAAA"], [("stops_at_gap", 4, 10)], id="stops there"
        ),
        pytest.param(
            plain, [b"0123456789", 10], [("gap_told", 10, 10)], id="a gap too much"
        ),
        pytest.param(plain, [b"0123456789"], [("left_out", 10, 10)], id="ends early"),
        pytest.param(
            plain,
            [b"0123456789" + b"\0" * 10],
            [("left_out", 10, 10)],
            id="NULs for a segment",
        ),
        pytest.param(
            conflicting, [b"GOODEVIL"], [("other_version", 4, 4)], id="the later copy"
        ),
        pytest.param(
            rejecting, [b"AAAAEVIL"], [("took_rejected", 4, 4)], id="a wrong checksum"
        ),
        pytest.param(
            kept_alive, [b"AAA\0BBBB"], [("keep_alive", 3, 1)], id="a keep-alive"
        ),
        pytest.param(
            reset, [b"AAAAgo away"], [("rst_payload", 4, 7)], id="text in an RST"
        ),
        pytest.param(
            behind_a_reset,
            [b"AAAAin flight"],
            [("after_rst", 4, 9)],
            id="what came behind an RST without text",
        ),
        pytest.param(
            behind_a_reset,
            [b"AAAA more in flight"],
            [("longer", 4, 15)],
            id="more than came behind it",
        ),
        pytest.param(
            ended, [b"AAAAlate"], [("after_end", 4, 4)], id="what came after the end"
        ),
        pytest.param(
            plain, [b"abcdefghij"], [("late_start", 0, 10)], id="begins later"
        ),
        pytest.param(
            plain,
            [b"\0\0\0" + b"0123456789abcdefghij"],
            [("early_start", -3, 3)],
            id="begins earlier",
        ),
        pytest.param(
            plain,
            [1, b"0123456789abcdefghij"],
            [("early_start", -1, 1)],
            id="a gap before the start",
        ),
        pytest.param(
            plain,
            [b"0123456789abcdefgXij"],
            [("other_bytes", 17, 1)],
            id="a byte is another",
        ),
        pytest.param(
            plain, [b"0123456789abcdefghij!!"], [("longer", 20, 2)], id="a tail"
        ),
    ],
)
def test_each_rule(talk: Any, runs: Runs, rules: list[tuple[str, int, int]]) -> None:
    found = compared(talk(), runs)
    assert [(one.rule, one.offset, one.length) for one in found] == rules
    for one in found:
        assert (one.stream, one.source, one.target) == (0, CLIENT, SERVER)
        assert one.rule in RULES
        assert one.to_dict()["rule"] == one.rule


def test_the_frames_that_explain_it() -> None:
    (found,) = compared(conflicting(), [b"GOODEVIL"])
    assert (found.frames, found.detail) == ([5], "frame 5 and not frame 4")
    assert (found.ours, found.theirs) == (b"GOOD", b"EVIL")
    (found,) = compared(rejecting(), [b"AAAAEVIL"])
    assert (found.frames, found.detail) == ([5], "frame 5: checksum")
    (found,) = compared(plain(), [b"0123456789"])
    assert found.frames == [5]


def test_one_connection_in_pieces() -> None:
    pieces: list[Runs] = [[b"0123456789"], [b"abcdefghij"]]
    (found,) = compared(plain(), *pieces)
    assert (found.rule, found.offset, found.detail) == ("split", 10, "into 2")
    rules = [one.rule for one in compared(plain(), pieces[0], pieces[1], [b"what"])]
    assert rules == ["split", "longer"]
    rules = [one.rule for one in compared(rejecting(), [b"AAAA"], [b"EVIL"], [b"BBBB"])]
    assert rules == ["split", "took_rejected"]


def test_several_connections_in_one() -> None:
    frames = []
    for number in range(2):
        talk = Conversation(client=CLIENT, server=SERVER, client_isn=number * 100_000)
        talk.now_ns += number * 1_000_000_000
        talk.handshake()
        talk.client(1, b"%d" % number * 4)
        talk.farewell(5, 1)
        frames += talk.packets
    whole = list(unpacket.streams(frames))
    assert len(whole) == 2
    (found,) = differences(whole, [Said(CLIENT, SERVER, [b"00001111"])])
    assert (found.rule, found.detail) == ("merged", "our streams 0, 1")
    told = [Said(CLIENT, SERVER, [b"1111"]), Said(CLIENT, SERVER, [b"0000"])]
    assert not list(differences(whole, told))


def again(gap_s: int, **options: Any) -> list[unpacket.WholeStream]:
    """Return the streams of a client that uses its port twice."""
    frames = []
    for number in range(2):
        talk = Conversation(client=CLIENT, server=SERVER, client_isn=number * 100_000)
        talk.now_ns += number * gap_s * 1_000_000_000
        talk.handshake()
        talk.client(1, b"%d" % number * 4)
        talk.farewell(5, 1)
        frames += talk.packets
    return list(unpacket.streams(frames, **options))


def test_one_of_several_is_not_several_in_one() -> None:
    first, second = differences(again(1), [Said(CLIENT, SERVER, [b"1111!"])])
    assert (first.stream, first.rule) == (1, "longer")
    assert (second.stream, second.rule) == (0, "no_stream")


def test_what_we_gave_up_is_not_several_connections() -> None:
    talk = Conversation(client=CLIENT, server=SERVER)
    talk.handshake()
    talk.client(1, b"before")
    talk.client(7, b"after", at_ns=1000 * 1_000_000_000)
    policy = unpacket.Policy(idle_timeout_s=100)
    ours = list(unpacket.streams(talk.packets, policy=policy))
    assert [one.close_reason for one in ours] == ["timeout", "end_of_capture"]
    (found,) = differences(ours, [Said(CLIENT, SERVER, [b"beforeafter"])])
    assert (found.rule, found.detail) == ("continued", "our streams 0, 1")


def test_bytes_of_a_frame_are_not_invented() -> None:
    talk = gapped()
    frames = [*talk.frames, talk.frames[-1]._replace(data=b"....xyzxyz....")]
    batch = Batch.from_frames([(one.time_ns, one.data, 1) for one in frames])
    (found,) = compared(
        talk, [b"AAAAxyzxyzBBBB"], frames=Frames(lambda: nullcontext([batch]))
    )
    assert (found.rule, found.detail) == ("other_frame", "as in frame 7")


def test_streams_that_only_one_has() -> None:
    (found,) = compared(plain())
    assert (found.rule, found.stream, found.length) == ("no_stream", 0, 20)
    assert not compared(plain(), complete=False)
    other = unpacket.Endpoint("10.9.9.9", 1)
    whole = list(unpacket.streams(plain().packets))
    said = [
        Said(CLIENT, SERVER, [b"0123456789abcdefghij"]),
        Said(other, SERVER, [b"theirs"]),
        Said(SERVER, CLIENT, []),
    ]
    (found,) = differences(whole, said)
    assert (found.rule, found.stream, found.theirs) == ("extra_stream", None, b"theirs")
    assert not list(differences(whole, said, complete=False))


def test_what_stands_behind_the_packet_is_padding() -> None:
    packet = ip(CLIENT.address, SERVER.address, tcp(CLIENT, SERVER, 1, b"A"))
    frames = [
        (0, ethernet(packet, pad=True), 1),
        (0, ethernet(packet, vlans=[3]) + b"\xee" * 4, 1),
        (0, ethernet(packet), 1),
        (0, packet + b"raw", 101),
        (0, b"short", 1),
    ]
    trailers = trailers_of([Batch.from_frames(frames)])
    assert trailers == {b"\0" * 5: 1, b"\xee" * 4: 2}
    (found,) = compared(
        plain(),
        [b"0123456789abcdefghij" + b"\xee" * 8],
        frames=Frames(lambda: nullcontext([Batch.from_frames(frames)])),
    )
    assert (found.rule, found.detail) == ("padding", "as in frame 2")


RUNS = st.lists(
    st.one_of(
        st.text("AB\0", min_size=1, max_size=6).map(str.encode), st.integers(1, 6)
    ),
    max_size=6,
)
SEGMENTS = st.lists(
    st.tuples(
        st.integers(0, 20), st.text("AB", min_size=1, max_size=6).map(str.encode)
    ),
    min_size=1,
    max_size=6,
)


@given(SEGMENTS, st.lists(RUNS, max_size=3), st.booleans())
def test_whatever_they_say_is_compared(
    segments: list[tuple[int, bytes]], said: list[Runs], tells_gaps: bool
) -> None:
    for one in compared(talk_of(*segments, ack=26), *said):
        assert one.rule in RULES
        assert one.length > 0


def runs_of(stream: WholeStream) -> Runs:
    return [
        item.payload if isinstance(item, Chunk) else item.length
        for item in stream.conversation()
    ]


@given(SEGMENTS, st.data())
def test_no_difference_only_where_there_is_none(
    segments: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    talk = talk_of(*segments, ack=26)
    (stream,) = unpacket.streams(talk.packets)
    runs = runs_of(stream)
    assert compared(talk, runs) == []
    at = data.draw(st.integers(0, len(runs) - 1))
    run = runs[at]
    other: Runs = [*runs]
    if isinstance(run, bytes):
        place = data.draw(st.integers(0, len(run) - 1))
        other[at] = run[:place] + b"Z" + run[place + 1 :]
    else:
        other[at] = run + 1
    assert compared(talk, other) != []


@pytest.mark.skipif(which("tshark") is None, reason="tshark is missing")
def test_tshark_looks_into_the_same_tunnels() -> None:
    path = Path(__file__).parents[1] / "faults/captures/60-vxlan-other-port.pcap"
    policy = Policy(decode_as=("udp:4800=vxlan",))
    found = compare(path, str(path), tools=[Tshark()], policy=policy)
    assert found.streams == 1
    assert [one.differences for one in found.opinions] == [[]]
