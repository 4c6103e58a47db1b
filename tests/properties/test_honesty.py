"""A stream is complete where it is and nowhere else; bytes name their frame."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.builder import Frame
from tests.properties.conversations import ODDITIES, ordinary
from tests.properties.law import Law
from tests.properties.strategies import captures, hostile_captures, policies
from tests.properties.test_same_stream import cut_up, spoken
from tests.talk import CLIENT, SERVER, feed_all
from unpacket import Closed, Conflict, Data, Gap, Policy

# Each Data event names the one frame that holds its bytes.
WHOLE = tuple(name for name in ODDITIES if name != "fragmented")


def seq_and_payload(frame: Frame) -> tuple[int, bytes]:
    """Return what an IP packet with a TCP segment says: where, and what."""
    data = frame.data
    head, stop = 20, int.from_bytes(data[2:4], "big")
    if data[0] >> 4 == 6:
        head, stop = 40, 40 + int.from_bytes(data[4:6], "big")
    start = head + (data[head + 12] >> 4) * 4
    seq = int.from_bytes(data[head + 4 : head + 8], "big") + (data[head + 13] >> 1 & 1)
    return seq & 0xFFFFFFFF, data[start:stop]


@given(st.one_of(hostile_captures(), ordinary(WHOLE)), policies)
def test_a_frame_that_is_named_holds_the_bytes(
    frames: list[Frame], policy: Policy
) -> None:
    for event in feed_all(frames, policy):
        if not isinstance(event, Data):
            continue
        assert 1 <= event.frame <= len(frames)
        for piece in event.pieces:
            at = piece.offset - event.offset
            delivered = event.payload[at : at + piece.length]
            frame = frames[piece.frame - 1]
            assert piece.time_ns == frame.time_ns
            seq, payload = seq_and_payload(frame)
            start = event.stream.offset_of(event.direction, seq)
            assert start is not None
            place = piece.offset - start
            assert payload[place : place + piece.length] == delivered


@given(st.data(), st.lists(st.integers(0, 60), max_size=4))
def test_complete_is_what_lacks_nothing(data: st.DataObject, lost: list[int]) -> None:
    """Any packets are lost; the stream is complete only if no byte and no end is."""
    client, server = bytes(range(40)), bytes(range(50, 90))
    ranges = (data.draw(cut_up(40)), data.draw(cut_up(40)))
    frames = spoken(client, server, ranges)
    kept = [frame for index, frame in enumerate(frames) if index not in lost]
    got: dict[Any, dict[int, int]] = {CLIENT: {}, SERVER: {}}
    for event in feed_all(kept):
        if isinstance(event, Data):
            for at, byte in enumerate(event.payload):
                got[event.direction][event.offset + at] = byte
        elif isinstance(event, Closed) and event.stream.complete:
            assert bytes(got[CLIENT].values()) == client
            assert bytes(got[SERVER].values()) == server
            assert event.reason == "fin"


@given(captures(), policies)
def test_no_gap_and_no_conflict_is_forgotten(
    frames: list[Frame], policy: Policy
) -> None:
    events = feed_all(frames, policy)
    Law()(events)
    troubled = {
        event.stream.id for event in events if isinstance(event, (Gap, Conflict))
    }
    for event in events:
        if isinstance(event, Closed) and event.stream.complete:
            assert event.stream.id not in troubled
            assert event.reason in ("fin", "rst")
            assert event.stream.role_evidence in ("syn", "syn_ack")
