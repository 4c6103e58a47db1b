"""Captures that unpacket got wrong once, with the right bytes of each stream.

``cases.json`` says of each what is right and why; README.md, how it is judged. Cases
without ``streams`` are not about the bytes of streams: the tests of what they are
about have them.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.captured import Side, Told, read, told
from unpacket import Data, Policy

FOLDER = Path(__file__).parent
CASES: list[dict[str, Any]] = json.loads((FOLDER / "cases.json").read_text())

# Cases that are known to be wrong. Whoever mends one takes it out: one that is right
# and still stands here fails.
WRONG: dict[str, str] = {}
# What the user knows, and no frame says.
POLICIES = {"60-vxlan-other-port.pcap": Policy(decode_as=("udp:4800=vxlan",))}
KNOWN = {name: why for why, names in WRONG.items() for name in names.split()}


def judged() -> list[Any]:
    found = []
    for case in CASES:
        if "streams" not in case:
            continue
        marks = []
        if case["name"] in KNOWN:
            why = f"known to be wrong: {KNOWN[case['name']]}"
            marks = [pytest.mark.xfail(reason=why, raises=AssertionError, strict=True)]
        found.append(pytest.param(case, id=case["name"], marks=marks))
    return found


def test_each_capture_has_a_case() -> None:
    names = {path.name for path in (FOLDER / "captures").iterdir()}
    assert names == {case["name"] for case in CASES}
    assert KNOWN.keys() <= names


@pytest.mark.parametrize("case", judged())
def test_a_stream_is_what_was_accepted(case: dict[str, Any]) -> None:
    path = FOLDER / "captures" / case["name"]
    found = [
        story
        for story in told(read(path, POLICIES.get(case["name"])).events)
        if any(side.payload for side in story.sides)
    ]
    assert len(found) == len(case["streams"])
    for story, wanted in zip(found, case["streams"], strict=True):
        assert shown(story) == expected(wanted, story)
    assert [side.gaps for story in found for side in story.sides if side.gaps] == []


def shown(story: Told) -> dict[str, Any]:
    """Write a stream as ``cases.json`` does."""
    client, server = map(digest, story.sides)
    reason = story.stream.close_reason
    return {"client": client, "server": server, "close_reason": reason}


def digest(side: Side) -> dict[str, Any]:
    sha256 = hashlib.sha256(side.payload).hexdigest()
    return {"length": len(side.payload), "sha256": sha256}


def expected(wanted: dict[str, Any], story: Told) -> dict[str, Any]:
    """Return what is wanted; what is not judged is as it was found."""
    whole = shown(story)
    for name in ("client", "server"):
        judged = {key: part for key, part in wanted[name].items() if part is not None}
        whole[name] |= judged
    if wanted["close_reason"] is not None:
        whole["close_reason"] = wanted["close_reason"]
    return whole


def test_a_request_comes_before_its_answer() -> None:
    path = FOLDER / "captures" / "follow-order-ttl.pcap"
    events = read(path, Policy(deliver="acked")).events
    sides = [event.direction for event in events if isinstance(event, Data)]
    assert sides == sorted(sides)
    assert len(set(sides)) == 2
