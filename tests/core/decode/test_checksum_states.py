"""The states of checksums are counted by sender, as a Counter would."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builder import ip, tcp
from unpacket import Assembler, Batch, Policy

RAW = 101
HOSTS = ["10.0.0.1", "10.0.0.2", "0.0.0.0", "255.255.255.255", "::", "fd00::1"]
STATES = ("not_judged", "good", "bad", "unfilled")
Sender = tuple[str, str]


def frame(source: str, target: str, state: str) -> tuple[int, bytes, int, int]:
    """Return a segment from one host to another whose checksum has a state."""
    segment = tcp((source, 1000), (target, 80), 7, b"payload", ack=1, sum_xor=0)
    good = int.from_bytes(segment[16:18], "big")
    spoiled = {"bad": good ^ 0x5555, "unfilled": 0}.get(state, good)
    segment = segment[:16] + spoiled.to_bytes(2, "big") + segment[18:]
    packet = ip(source, target, segment)
    captured = packet[:-3] if state == "not_judged" else packet
    return 0, captured, RAW, len(packet)


def counted(assembler: Assembler) -> dict[Sender, int]:
    assert assembler.sums is not None
    return {
        (host, state): count
        for host, states in assembler.sums.by_host().items()
        for state, count in states.items()
        if count
    }


@given(
    st.lists(
        st.tuples(
            st.sampled_from(HOSTS), st.sampled_from(HOSTS), st.sampled_from(STATES)
        ).filter(lambda row: (":" in row[0]) == (":" in row[1])),
        max_size=30,
    ),
    st.integers(1, 7),
)
def test_agrees_with_a_counter(rows: list[tuple[str, str, str]], size: int) -> None:
    assembler = Assembler(sums=True)
    for start in range(0, len(rows), size):
        frames = [frame(*row) for row in rows[start : start + size]]
        assembler.feed(Batch.from_frames(frames, start + 1))
    assert counted(assembler) == Counter((row[0], row[2]) for row in rows)


def test_more_senders_than_there_is_room_for() -> None:
    assembler = Assembler(sums=True)
    for start in range(0, 6000, 1000):
        frames = [
            frame(f"10.{n >> 8 & 255}.0.{n & 255}", "192.0.2.1", "good")
            for n in range(start, start + 1000)
        ]
        assembler.feed(Batch.from_frames(frames, start + 1))
    counts = counted(assembler)
    assert sum(counts.values()) == 6000
    named = {host: count for (host, _), count in counts.items() if host}
    assert 1000 < len(named) <= 4096
    assert set(named.values()) == {1}
    assert counts["", "good"] == 6000 - len(named)


@pytest.mark.parametrize("sums", [False, True])
def test_only_on_request(sums: bool) -> None:
    assembler = Assembler(Policy(checksum="ignore"), sums=sums)
    assembler.feed(Batch.from_frames([frame("10.0.0.1", "10.0.0.2", "bad")]))
    if sums:
        assert counted(assembler) == {("10.0.0.1", "not_judged"): 1}
    else:
        assert assembler.sums is None
