"""Whole streams, summaries and events of a capture."""

import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builder import FIN, SECOND, Conversation, write_pcap
from unpacket import (
    Direction,
    FormatError,
    GapError,
    LimitError,
    Policy,
    SourceError,
    WholeStream,
    events,
    sources,
    streams,
    summaries,
)
from unpacket.faces.iterate import Chunk
from unpacket.records.collected import MAX_EVIDENCE
from unpacket.records.whole_stream import MOST_ZERO_BYTES

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER
V6 = {"client": ("2001:db8::1", 40000), "server": ("2001:db8::2", 80)}


def dialogue(**ends: Any) -> Conversation:
    """A question with a hole that is acknowledged, and an answer."""
    talk = Conversation(**ends)
    talk.handshake()
    talk.client(1, b"0123")
    talk.client(11, b"abcd")
    talk.server(1, b"answer", ack=15)
    talk.client(15, b"more", ack=7, at_ns=SECOND)
    talk.farewell(19, 7)
    return talk


def whole(talk: Conversation, **options: Any) -> WholeStream:
    (stream,) = streams(talk.packets, **options)
    return stream


@pytest.mark.parametrize("spill_bytes", [1 << 20, 8, 0])
def test_payload_in_memory_or_in_a_file(spill_bytes: int) -> None:
    with whole(dialogue(), spill_bytes=spill_bytes) as stream:
        assert stream.spilled is (spill_bytes < 12)
        assert stream.data(CLIENT, gaps="join") == b"0123abcdmore"
        assert stream.data(CLIENT, "zeros") == b"0123" + bytes(6) + b"abcdmore"
        assert list(stream.runs(CLIENT)) == [(0, b"0123"), (10, b"abcdmore")]
        with pytest.raises(GapError) as raised:
            assert stream.client_data
        assert raised.value.args == (0, "client", 4, 6, "not_captured", 1)
        assert stream.server_data == b"answer"
        assert list(stream.runs(SERVER)) == [(0, b"answer")]
        (gap,) = stream.client_gaps
        assert (gap.direction, gap.offset, gap.length) == (CLIENT, 4, 6)
        assert gap.reason == "not_captured"
        assert stream.server_gaps == []
        assert stream.digest(CLIENT) == hashlib.sha256(b"0123abcdmore").hexdigest()
        true: dict[int, int] = dict(enumerate(b"0123"))
        true |= dict(enumerate(b"abcdmore", 10))
        for start in range(20):
            for stop in range(20):
                wanted = bytes(true[n] for n in range(start, stop) if n in true)
                assert stream.read(CLIENT, start, stop, "join") == wanted
                filled = bytes(true.get(n, 0) for n in range(start, min(stop, 18)))
                assert stream.read(CLIENT, start, stop, "zeros") == filled
                if start < stop and start < 10 and stop > 4:
                    with pytest.raises(GapError, match="6 bytes of the client at"):
                        stream.read(CLIENT, start, stop)
                else:
                    assert stream.read(CLIENT, start, stop) == wanted


def bulk(segments: int = 3000) -> tuple[Conversation, bytes]:
    """A long answer in segments of 700 bytes, each of them different."""
    talk = Conversation()
    talk.handshake()
    payload = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(22 * segments))
    payload = payload[: 700 * segments]
    talk.client(1, b"go", ack=1)
    for start in range(0, len(payload), 700):
        talk.server(1 + start, payload[start : start + 700], ack=3)
    talk.farewell(3, 1 + len(payload))
    return talk, payload


@pytest.mark.parametrize(
    "bounds",
    [
        pytest.param({}, id="in memory"),
        pytest.param({"spill_bytes": 1 << 20}, id="more than a stream may have"),
        pytest.param({"memory_bytes": 1 << 19}, id="more than all may have"),
    ],
)
def test_a_long_stream_in_memory_or_in_a_file(bounds: dict[str, int]) -> None:
    talk, payload = bulk()
    stream = whole(talk, **bounds)
    assert stream.spilled is bool(bounds)
    assert stream.server_data == payload
    assert stream.digest(SERVER) == hashlib.sha256(payload).hexdigest()
    middle = len(payload) // 2
    assert stream.read(SERVER, middle, middle + 5) == payload[middle : middle + 5]
    assert stream.read(SERVER, 16000, 40000) == payload[16000:40000]
    assert stream.frames(SERVER, 700, 1401) == [6, 7]
    server = [chunk for chunk in stream.chunks if chunk.direction is SERVER]
    assert [chunk.frame for chunk in server] == list(range(5, 3005))
    assert b"".join(chunk.payload for chunk in server) == payload
    assert next(iter(stream.conversation())) == Chunk(
        CLIENT, 0, b"go", 4, talk.frames[3].time_ns
    )
    stream.close()
    with pytest.raises(ValueError, match="closed"):
        stream.data(SERVER)


def test_evidence_is_bounded_and_counts_are_not() -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, bytes(10), ack=1)
    for n in range(2 * MAX_EVIDENCE):
        talk.client(1, bytes([1 + n]) * 10)
    stream = whole(talk)
    assert stream.conflicts == 2 * MAX_EVIDENCE
    assert len(stream.conflict_events) == MAX_EVIDENCE


def test_bytes_that_nobody_acknowledged_say_so() -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"asked", ack=1)
    talk.server(1, b"answered", ack=6)
    stream = whole(talk, policy=Policy.preset("sniffer"))
    assert [(chunk.payload, chunk.acknowledged) for chunk in stream.chunks] == [
        (b"asked", True),
        (b"answered", False),
    ]


def test_damage_comes_after_all_that_was_before_it(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap"
    write_pcap(path, dialogue().frames[:6])
    path.write_bytes(path.read_bytes()[:-3])
    found: list[Any] = []
    with pytest.raises(FormatError):
        found.extend(events(path, strict=True))
    assert type(found[-1]).__name__ == "Closed"
    with pytest.raises(FormatError):
        found.extend(streams(path, strict=True))
    assert found[-1].data(CLIENT, "join") == b"0123abcd"


def test_summaries_do_not_depend_on_how_the_input_is_cut() -> None:
    talk = dialogue()
    talk.client(19, b"late", ack=8)
    talk.server(7, b"late", ack=20)
    talk.client(20, ack=8)

    def told(batch_frames: int) -> list[dict[str, Any]]:
        with sources.open(talk.packets, batch_frames=batch_frames) as source:
            return [summary.to_dict() for summary in summaries(source, digest=True)]

    assert told(1) == told(5) == told(2048)


def test_a_stream_that_the_caller_drops_is_gone() -> None:
    talk = dialogue()
    other = dialogue(client=("10.0.0.9", 1234))
    gathered = streams([*talk.packets, *other.packets])
    stream = next(gathered)
    # This name, and the argument.
    assert sys.getrefcount(stream) == 2
    assert next(gathered).id == 1


def test_conversation_in_the_order_of_delivery() -> None:
    stream = whole(dialogue())
    items = list(stream.conversation())
    assert [
        (item.direction, item.offset, getattr(item, "payload", None)) for item in items
    ] == [
        (CLIENT, 0, b"0123"),
        (SERVER, 0, b"answer"),
        (CLIENT, 4, None),
        (CLIENT, 10, b"abcd"),
        (CLIENT, 14, b"more"),
    ]
    assert items[2] is stream.client_gaps[0]
    assert items[3].time_ns == 1_700_000_000 * SECOND + 4_000_000
    assert list(stream.chunks) == [item for item in items if isinstance(item, Chunk)]

    acked = whole(dialogue(), policy=Policy.preset("sniffer"))
    assert [item.direction for item in acked.conversation()] == [0, 0, 0, 1, 0]


def test_frames_tell_who_carried_a_range() -> None:
    stream = whole(dialogue())
    assert stream.frames(CLIENT, 0, 100) == [4, 5, 7]
    assert stream.frames(CLIENT, 3, 4) == [4]
    assert stream.frames(CLIENT, 4, 10) == []
    assert stream.frames(CLIENT, 13, 15) == [5, 7]
    assert stream.frames(CLIENT, 5, 5) == []
    assert stream.frames(SERVER, 0, 1) == [6]


def test_summary_as_a_record() -> None:
    (summary,) = summaries(dialogue().packets, digest=True)
    assert summary.to_dict() == {
        "id": 0,
        "client": {
            "address": "10.0.0.1",
            "port": 40000,
            "packets": 7,
            "duplicates": 0,
            "other_channel": 0,
            "retransmissions": 0,
            "bytes": 12,
            "gaps": 1,
            "missing": 6,
            "gap_list": "4+6:not_captured",
            "unplaced": 0,
            "unplaced_list": "",
            "sha256": hashlib.sha256(b"0123abcdmore").hexdigest(),
        },
        "server": {
            "address": "10.0.0.2",
            "port": 80,
            "packets": 3,
            "duplicates": 0,
            "other_channel": 0,
            "retransmissions": 0,
            "bytes": 6,
            "gaps": 0,
            "missing": 0,
            "gap_list": "",
            "unplaced": 0,
            "unplaced_list": "",
            "sha256": hashlib.sha256(b"answer").hexdigest(),
        },
        "role_evidence": "syn",
        "path": "eth/ip/tcp",
        "start": "2023-11-14T22:13:20.000000000Z",
        "start_ns": 1_700_000_000 * SECOND,
        "end": "2023-11-14T22:13:21.003000000Z",
        "end_ns": 1_700_000_001 * SECOND + 3_000_000,
        "duration_ns": SECOND + 3_000_000,
        "first_frame": 1,
        "close_reason": "fin",
        "complete": False,
        "gap_reason": "not_captured",
        "conflicts": 0,
        "rejected": 0,
        "rejected_reason": "",
        "rejected_list": "",
        "unplaced_reason": "",
    }
    (bare,) = summaries(dialogue().packets)
    expected = summary.to_dict()
    for side in ("client", "server"):
        del expected[side]["sha256"]
    assert bare.to_dict() == expected


def test_packets_after_the_close_are_not_counted() -> None:
    talk = dialogue()
    talk.client(1, b"0123")
    talk.client(19, ack=8)
    # All in one batch, and one after the other.
    for packets in (talk.packets, iter(talk.packets)):
        (summary,) = summaries(packets)
        assert summary.packets == (7, 3)


def test_the_same_streams_over_ipv6() -> None:
    stream = whole(dialogue(**V6))
    assert str(stream.client) == "[2001:db8::1]:40000"
    assert list(stream.runs(CLIENT)) == list(whole(dialogue()).runs(CLIENT))
    items = list(map(repr, stream.conversation()))
    assert items == list(map(repr, whole(dialogue()).conversation()))


def test_conflicts_and_rejected_segments_are_evidence() -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"abc")
    talk.client(1, b"aXc")
    talk.server(1, b"nonsense", ack=4, sum_xor=0)
    talk.client(4, flags=FIN)
    stream = whole(talk)
    assert stream.conflicts == 1
    (conflict,) = stream.conflict_events
    assert (conflict.kept, conflict.other) == (b"b", b"X")
    assert not stream.complete


def test_streams_come_as_they_close() -> None:
    first = dialogue()
    second = dialogue(client=("10.0.0.9", 1234))
    ids = [stream.id for stream in streams([*first.packets, *second.packets])]
    assert ids == [0, 1]


def test_sources(tmp_path: Path) -> None:
    path = tmp_path / "talk.pcap"
    write_pcap(path, dialogue())
    kinds = [type(event).__name__ for event in events(path)]
    assert kinds == [type(event).__name__ for event in events(dialogue().packets)]
    with sources.open(path) as opened:
        assert [type(event).__name__ for event in events(opened)] == kinds
    with path.open("rb") as file:
        assert [type(event).__name__ for event in events(file)] == kinds
    without = [type(event).__name__ for event in events(path, data=False)]
    assert without == [kind for kind in kinds if kind != "Data"]
    with pytest.raises(SourceError):
        list(events(tmp_path / "absent.pcap"))


def test_no_event_of_a_generator_waits_for_its_next_packet() -> None:
    packets = dialogue().packets
    given = 0

    def live() -> Iterator[tuple[int, bytes]]:
        nonlocal given
        for packet in packets:
            given += 1
            yield packet

    happened = [(event.frame, given) for event in events(live())]
    assert len(happened) > 6
    assert all(frame == count for frame, count in happened)


def test_a_search_does_not_match_across_a_gap() -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"password=")
    talk.client(510, b"hunter2\n")
    talk.server(1, ack=518)
    talk.farewell(518, 1)
    stream = whole(talk)
    with pytest.raises(GapError):
        re.search(rb"password=(\w+)", stream.client_data)
    found = [
        offset + match.start()
        for offset, octets in stream.runs(CLIENT)
        for match in re.finditer(rb"hunter\w", octets)
    ]
    assert found == [509]
    assert stream.frames(CLIENT, 509, 516) == [5]
    assert stream.data(CLIENT, "zeros").index(b"hunter2") == 509


def test_zeros_are_bounded() -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"a")
    talk.server(1, ack=2)
    for jump in (1, 2):
        talk.client(jump * 250_000_000, b"b")
        talk.server(1, ack=jump * 250_000_000 + 1)
    stream = whole(talk, policy=Policy(window=False, ack=False))
    assert sum(gap.length for gap in stream.client_gaps) > MOST_ZERO_BYTES
    with pytest.raises(LimitError):
        stream.data(CLIENT, "zeros")
    assert stream.data(CLIENT, "join") == b"abb"


def test_what_becomes_of_gaps_is_one_of_three() -> None:
    with pytest.raises(ValueError, match="must be one of error, join, zeros"):
        whole(dialogue()).data(CLIENT, "nothing")  # type: ignore[arg-type]
