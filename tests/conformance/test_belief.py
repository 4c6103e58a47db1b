"""What both ends have shown of a connection: real captures in which a rule would
overrule evidence. Those that were made for it are in ``tests/faults``.
"""

import hashlib
import json
from typing import Any

import pytest

from tests.shared import shared_path
from unpacket import (
    Closed,
    Conflict,
    Data,
    Direction,
    Gap,
    Policy,
    Rejected,
    events,
)

FAULTS = json.loads(shared_path("faults", "cases.json").read_text())

# What links, damage and jobs ask for is tested where it is done.
BELIEF = ("rst", "reuse", "syn", "checksum", "ttl", "cut", "midstream", "time")
Streams = dict[int, dict[Any, Any]]


def streams_of(path: Any, policy: Policy | None = None) -> list[dict[Any, Any]]:
    """Return of each stream its bytes by direction, its gaps and how it closed."""
    found: Streams = {}
    for event in events(path, policy=policy):
        story = found.setdefault(
            event.stream.id,
            {Direction.CLIENT: b"", Direction.SERVER: b"", "gaps": [], "doubts": 0},
        )
        match event:
            case Data(_, direction, _, payload):
                if not [gap for gap in story["gaps"] if gap.direction is direction]:
                    story[direction, "first"] = story[direction] + payload
                story[direction] += payload
                story["doubts"] += event.doubt is not None
            case Gap():
                story["gaps"].append(event)
            case Conflict() | Rejected():
                story["doubts"] += 1
            case Closed(_, reason):
                story["closed"] = reason
    return [found[number] for number in sorted(found)]


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case["name"])
        for case in FAULTS
        if "streams" in case
        and case["group"] in BELIEF
        and case["name"].startswith("real-")
    ],
)
def test_evidence_comes_before_rules(case: dict[str, Any]) -> None:
    path = shared_path("faults", "captures", case["name"])
    stories = [
        story
        for story in streams_of(path)
        if story[Direction.CLIENT] or story[Direction.SERVER]
    ]
    assert len(stories) == len(case["streams"])
    for story, wanted in zip(stories, case["streams"], strict=True):
        for direction in Direction:
            side = wanted[str(direction)]
            if side["length"] is None:
                continue
            assert len(story[direction]) == side["length"]
            if "sha256" in side:
                digest = hashlib.sha256(story[direction]).hexdigest()
                assert digest == side["sha256"]
            assert not [gap for gap in story["gaps"] if gap.direction is direction]
        if wanted["close_reason"] is not None:
            assert story["closed"] == wanted["close_reason"]


@pytest.mark.parametrize(
    ("name", "total", "present"),
    [
        pytest.param("jump-1.1G.pcap", 1_100_000_200, 300, id="one of 1.1 GiB"),
        pytest.param("real-4gib-jumps.pcap", None, 23_822, id="more than 4 GiB"),
    ],
)
def test_what_is_acknowledged_far_ahead_is_loss(
    name: str, total: int | None, present: int
) -> None:
    (story,) = streams_of(shared_path("faults", "captures", name))
    gaps = sum(gap.length for gap in story["gaps"])
    assert len(story[Direction.SERVER]) == present
    assert story["doubts"] == 0
    assert {gap.reason for gap in story["gaps"]} == {"not_captured"}
    if total is not None:
        assert present + gaps == total
