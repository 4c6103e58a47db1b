"""Offsets from sequence numbers, and back, at every wrap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unpacket._core.sequence import delta, unwrap, wrap

SEQS = st.integers(0, (1 << 32) - 1)
HALF = 1 << 31


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        pytest.param(5, 5, 0, id="equal"),
        pytest.param(7, 5, 2, id="later"),
        pytest.param(5, 7, -2, id="earlier"),
        pytest.param(3, 0xFFFFFFFE, 5, id="later across the wrap"),
        pytest.param(0xFFFFFFFE, 3, -5, id="earlier across the wrap"),
        pytest.param(HALF - 1, 0, HALF - 1, id="as late as can be"),
        pytest.param(HALF, 0, -HALF, id="half way round is earlier"),
        pytest.param(0, HALF, -HALF, id="half way round is earlier, from the other"),
    ],
)
def test_the_distance_is_signed(a: int, b: int, expected: int) -> None:
    assert delta(a, b) == expected


@given(SEQS, st.integers(-HALF, HALF - 1))
def test_the_distance_is_exact(b: int, distance: int) -> None:
    assert delta((b + distance) % (1 << 32), b) == distance


@given(st.integers(0, 1 << 45), SEQS, st.integers(-HALF, HALF - 1))
def test_an_offset_near_the_edge_survives_the_wire(
    edge: int, base_seq: int, distance: int
) -> None:
    offset = edge + distance
    seq = wrap(offset, base_seq)
    assert 0 <= seq < 1 << 32
    assert unwrap(seq, base_seq, edge) == offset
