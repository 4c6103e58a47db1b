"""AckTracker against a set of integers."""

from hypothesis import given
from hypothesis import strategies as st

from unpacket import AckTracker

SPACE = 1 << 32
BLOCKS = st.tuples(st.integers(-20, 120), st.integers(1, 30))
SEGMENTS = st.tuples(st.integers(0, 100), st.lists(BLOCKS, max_size=3))


@given(st.sampled_from([0, 1000, SPACE - 50, SPACE - 1]), st.lists(SEGMENTS))
def test_agrees_with_a_set_of_integers(
    base: int, segments: list[tuple[int, list[tuple[int, int]]]]
) -> None:
    tracker = AckTracker(base)
    edge, sacked = 0, set[int]()
    for ack, blocks in segments:
        edge = max(edge, ack)
        for left, length in blocks:
            if left <= edge:
                edge = max(edge, left + length)
            else:
                sacked |= set(range(left, left + length))
        sacked = {n for n in sacked if n >= edge}
        tracker.acknowledge(
            (base + ack) % SPACE,
            [
                ((base + left) % SPACE, (base + left + length) % SPACE)
                for left, length in blocks
            ],
        )
    assert tracker.ack == (base + edge) % SPACE
    assert tracker.sacked_bytes == len(sacked)
    for seq in range(150):
        wanted = all(n < edge or n in sacked for n in range(seq, seq + 7))
        assert tracker.is_segment_acked((base + seq) % SPACE, 7) is wanted


def test_the_first_acknowledgement_is_where_it_begins() -> None:
    tracker = AckTracker()
    tracker.acknowledge(7)
    assert tracker.ack == 7
    assert tracker.is_segment_acked(5, 2)
    assert not tracker.is_segment_acked(5, 3)


def test_duplicate_and_too_many_blocks() -> None:
    tracker = AckTracker(100, max_intervals=2)
    tracker.acknowledge(100, [(90, 95)])
    assert tracker.duplicate_sacks == 1
    tracker.acknowledge(100, [(110, 112), (120, 122), (130, 132)])
    assert tracker.acked_intervals() == [(110, 112), (120, 122)]
    tracker.acknowledge(100, [(112, 120)])
    assert tracker.acked_intervals() == [(110, 122)]
    tracker.acknowledge(100, [(115, 115), (120, 110)])
    assert tracker.sacked_bytes == 12
