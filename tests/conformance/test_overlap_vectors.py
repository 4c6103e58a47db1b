"""Who wins where segments overlap: the published patterns, under every policy.

The vectors say what a receiver's queue holds after each segment. Two runs of each
show the same from outside: one in which the byte before the pattern never comes, so
that all of it waits and is let go at the end; and one, where the pattern itself
leaves its first byte to the last segment, of the pattern as it is.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.builder import RAW, SYN, Conversation
from tests.captured import told
from unpacket import Assembler, Policy
from unpacket.policy import Overlap

VECTORS = json.loads(Path(__file__).with_name("overlap-vectors.json").read_text())
PATTERNS: dict[str, Any] = VECTORS["patterns"]
ISNS = (0, 1, 2**32 - 1, 2**32 - 11)
# The vectors have one name for each kind of stack; these are the others.
SAME = {"macos": "bsd", "irix": "bsd", "hpux10": "bsd"}
POLICIES = [*VECTORS["policies"], *SAME]


def first_byte_last(steps: list[tuple[int, str]]) -> bool:
    """Return whether all of a pattern has to wait for its last segment."""
    return all(at > 1 for at, _ in steps[:-1]) and steps[-1][0] == 1


def stream_of(policy: Overlap, isn: int, segments: Iterable[tuple[int, str]]) -> str:
    """Return the stream that a SYN and segments give, with a dot for what is missing.

    Each segment is where it begins, counted from the SYN, and its payload.
    """
    wire = Conversation(client_isn=isn, link_type=RAW)
    wire.client(0, ack=None, flags=SYN)
    for at, text in segments:
        wire.client(at, text.encode(), ack=1)
    assembler = Assembler(Policy(overlap=policy, conflict_window_bytes=0))
    (story,) = told(assembler.feed(wire.batch()) + assembler.finish())
    client = story.sides[0]
    return "".join(
        run.decode() if isinstance(run, bytes) else "." * run[0] for run in client.runs
    )


@pytest.mark.parametrize("isn", ISNS)
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", PATTERNS)
def test_each_step_leaves_what_the_policy_says(
    name: str, policy: Overlap, isn: int
) -> None:
    steps = PATTERNS[name]["steps"]
    expected = PATTERNS[name]["expected_per_step"][SAME.get(policy, policy)]
    assert len(steps) == len(expected)
    shifted = [(at + 1, text) for at, text in steps]
    for count, wanted in enumerate(expected, 1):
        assert stream_of(policy, isn, shifted[:count]) == "." + wanted


@pytest.mark.parametrize("isn", ISNS)
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    "name", [name for name in PATTERNS if first_byte_last(PATTERNS[name]["steps"])]
)
def test_the_last_segment_lets_the_pattern_go(
    name: str, policy: Overlap, isn: int
) -> None:
    steps = PATTERNS[name]["steps"]
    expected = PATTERNS[name]["expected_per_step"][SAME.get(policy, policy)]
    assert stream_of(policy, isn, steps) == expected[-1]
