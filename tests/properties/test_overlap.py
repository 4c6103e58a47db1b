"""Overlaps of held segments, in every policy, against the reassembler of bytes."""

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from tests.model import Reassembler
from tests.talk import CLIENT, Talk
from unpacket import Conflict, Data, Gap, policy

OVERLAPS = get_args(policy.Overlap)

# Two letters, so that copies often agree and often do not.
segments = st.lists(
    st.tuples(st.integers(-4, 40), st.text("ab", min_size=2, max_size=14)), max_size=16
)


def differing(event: Conflict) -> list[tuple[int, int, int]]:
    """Return where a conflict's bytes differ, and in what."""
    pairs = zip(event.kept, event.other, strict=True)
    return [
        (event.offset + at, kept, other)
        for at, (kept, other) in enumerate(pairs)
        if kept != other
    ]


@given(segments, st.sampled_from(OVERLAPS))
def test_streams_and_conflicts_are_those_of_the_model(
    rows: list[tuple[int, str]], overlap: policy.Overlap
) -> None:
    talk = Talk(overlap=overlap)
    model = Reassembler(overlap)
    talk.handshake()
    for offset, text in rows:
        payload = text.encode()
        before = len(talk.events)
        talk.client(offset, payload, ack=0)
        conflicts = model.add(offset, payload, len(talk.frames))
        told = talk.events[before:]
        found = [
            place
            for event in told
            if isinstance(event, Conflict)
            for place in differing(event)
        ]
        assert sorted(found) == sorted(conflicts)
        assert talk.bytes_of(CLIENT) == model.stream()
        assert talk.stream.counts(CLIENT)["held_bytes"] == len(model.held)
    left = model.finish()
    before = len(talk.events)
    talk.finish()
    told_left: list[tuple[int, bytes | int]] = []
    for event in talk.events[before:]:
        if isinstance(event, Data):
            told_left.append((event.offset, event.payload))
        elif isinstance(event, Gap):
            told_left.append((event.offset, event.length))
    assert told_left == left


@given(segments, st.sampled_from(OVERLAPS))
def test_each_byte_and_each_conflict_names_its_packet(
    rows: list[tuple[int, str]], overlap: policy.Overlap
) -> None:
    talk = Talk(overlap=overlap)
    talk.handshake()
    sent = {}
    for offset, text in rows:
        talk.client(offset, text.encode(), ack=0)
        sent[len(talk.frames)] = (offset, text.encode())
    talk.finish()

    def carried(frame: int, offset: int, length: int) -> bytes:
        start, payload = sent[frame]
        assert offset >= start
        return payload[offset - start : offset - start + length]

    for event in talk.events:
        if isinstance(event, Data):
            for piece in event.pieces:
                at = piece.offset - event.offset
                delivered = event.payload[at : at + piece.length]
                assert delivered == carried(piece.frame, piece.offset, piece.length)
                assert piece.time_ns == talk.frames[piece.frame - 1].time_ns
        elif isinstance(event, Conflict):
            length = len(event.kept)
            kept = carried(event.kept_frame, event.offset, length)
            other = carried(event.other_frame, event.offset, length)
            assert (kept, other) == (event.kept, event.other)
