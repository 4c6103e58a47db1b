"""Whatever comes, the analysis raises nothing, and finds the same in any cut."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.observed import Row, analysed
from tests.builder import RAW, Frame, ip, sack, tcp, window_scale
from unpacket import Batch
from unpacket.analysis import Conversation
from unpacket.analysis.verdict import BLAMES, judge

ENDS = [("10.0.0.1", 1), ("10.0.0.2", 2)]
EDGES = st.sampled_from([0, 1, 2, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFF])
NUMBERS = EDGES | st.integers(0, 20) | st.integers(0, 0xFFFFFFFF)
TIMES = (
    st.sampled_from([0, -(1 << 63), (1 << 63) - 1, 1 << 62, -1 << 61])
    | st.integers(0, 1 << 30)
    | st.integers(-(1 << 63), (1 << 63) - 1)
)
OPTIONS = st.one_of(
    st.just(b""),
    st.builds(window_scale, st.integers(0, 255)),
    st.builds(lambda a, b: sack((a, b)), NUMBERS, NUMBERS),
)


@st.composite
def frames(draw: Any) -> list[Frame]:
    found = []
    for _ in range(draw(st.integers(1, 25))):
        side = draw(st.integers(0, 1))
        segment = tcp(
            ENDS[side],
            ENDS[1 - side],
            draw(NUMBERS),
            bytes(draw(st.sampled_from([0, 0, 1, 2, 100]))),
            ack=draw(st.none() | NUMBERS),
            flags=draw(st.integers(0, 255)),
            window=draw(st.sampled_from([0, 1, 100, 65535])),
            options=draw(OPTIONS),
        )
        packet = ip(ENDS[side][0], ENDS[1 - side][0], segment)
        found.append(Frame(draw(TIMES), packet, RAW, len(packet)))
    return found


def found_in(parts: list[list[Frame]], newer: bool) -> tuple[list[Row], list[Any]]:
    first = 1
    cut = []
    for part in parts:
        cut.append(Batch.from_frames(part, first))
        first += len(part)
    tracker, rows = analysed(cut, newer=newer)
    verdicts = []
    for number in range(tracker.conversations.count):
        conversation = Conversation(tracker, number)
        assert len(conversation.history) <= 24
        for side in conversation.sides:
            assert 0 <= side.rate_ppm <= 1_000_000
            assert all(spent >= 0 for spent in side.pauses.values())
            assert side.centre is None or side.centre >= 0
        verdicts.append(judge(conversation))
    assert all(verdict.blame in BLAMES for verdict in verdicts)
    return rows, verdicts


@given(frames(), st.booleans())
@settings(max_examples=200)
def test_nothing_raises_in_any_cut(made: list[Frame], newer: bool) -> None:
    whole = found_in([made], newer)
    assert len(whole[0]) == len(made)
    assert found_in([[frame] for frame in made], newer) == whole


def test_sums_of_a_clock_that_jumps_for_ever_have_an_end() -> None:
    made = []
    for n in range(3000):
        time_ns = (1 << 62) if n % 2 else -(1 << 61)
        side = n % 2
        segment = tcp(ENDS[side], ENDS[1 - side], n // 2, b"x", ack=n // 2)
        packet = ip(ENDS[side][0], ENDS[1 - side][0], segment)
        made.append(Frame(time_ns, packet, RAW, len(packet)))
    parts = [made[:1500], made[1500:]]
    rows, verdicts = found_in(parts, False)
    assert len(rows) == 3000
    assert len(verdicts) == 1
