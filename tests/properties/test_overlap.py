"""Overlaps of held segments, in every policy, against the reassembler of bytes."""

from hypothesis import given
from hypothesis import strategies as st

from tests.overlapping import OVERLAPS, Overlapping
from tests.talk import Talk
from unpacket import Conflict, Data, policy

# Two letters, so that copies often agree and often do not.
segments = st.lists(
    st.tuples(st.integers(-4, 40), st.text("ab", min_size=2, max_size=14)), max_size=16
)


@given(segments, st.sampled_from(OVERLAPS))
def test_streams_and_conflicts_are_those_of_the_model(
    rows: list[tuple[int, str]], overlap: policy.Overlap
) -> None:
    sent = Overlapping(overlap)
    for offset, text in rows:
        sent.send(offset, text.encode())
    sent.finish()


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
