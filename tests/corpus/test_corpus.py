"""Real captures: tshark's streams and a first-wins reference, and the reviewed table
of where unpacket differs.

The oracle of a capture has, for each stream of tshark and each direction, length and
SHA-256 of the captured bytes and the holes between them, as an independent program
found them. What unpacket says is compared with that in full. Each difference has to
stand in ``differences.py`` as it is, with the reason why it is right, and what stands
there has to be found.
"""

import hashlib
import ipaddress
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.captured import Reading, Side, Told, read, told
from tests.corpus.differences import DIFFERENCES
from tests.shared import shared_path
from unpacket import Data
from unpacket._core.reassembly.events import facts

FOLDER = shared_path("captures")
MANIFEST: dict[str, Any] = {}
for line in (FOLDER / "MANIFEST.jsonl").read_text().splitlines():
    entry = json.loads(line)
    MANIFEST[Path(entry["name"]).name] = entry

REVIEWED: dict[str, dict[str, str]] = defaultdict(dict)
for row in DIFFERENCES:
    REVIEWED[row.capture].update(row.found)

# More streams that tshark has not are one row, with a digest of ids and frames.
MOST_ROWS = 100

# Of streams without payload there is no more in the oracle.
NOTHING = {"ref": {"len": 0, "sha256": hashlib.sha256().hexdigest()}}


@cache
def reading(name: str) -> Reading:
    """Return what the default policy makes of a capture."""
    return read(FOLDER / "files" / name)


@pytest.mark.parametrize("name", MANIFEST)
def test_streams_are_the_oracles_but_for_the_table(name: str) -> None:
    assert differences(name) == REVIEWED.get(name, {})


def test_the_table_has_no_row_twice() -> None:
    assert {row.capture for row in DIFFERENCES} <= set(MANIFEST)
    assert sum(len(row.found) for row in DIFFERENCES) == sum(
        map(len, REVIEWED.values())
    )


@pytest.mark.parametrize("name", MANIFEST)
def test_every_frame_is_a_segment_or_counted(name: str) -> None:
    result = reading(name)
    assert result.segments + sum(result.counters.values()) == len(result.frames)


@pytest.mark.parametrize("name", MANIFEST)
def test_every_delivered_byte_is_in_the_frame_that_it_names(name: str) -> None:
    result = reading(name)
    if "fragment" in result.counters:
        pytest.skip("its datagrams lie in several frames")
    for event in result.events:
        if not isinstance(event, Data):
            continue
        for piece in event.pieces:
            start = piece.offset - event.offset
            frame = result.frames[piece.frame]
            assert piece.time_ns == frame.time_ns
            assert event.payload[start : start + piece.length] in frame.data


@pytest.mark.parametrize("batch_frames", [1, 7])
@pytest.mark.parametrize("name", MANIFEST)
def test_how_frames_are_batched_changes_nothing(name: str, batch_frames: int) -> None:
    other = read(FOLDER / "files" / name, batch_frames=batch_frames)
    assert list(map(facts, other.events)) == list(map(facts, reading(name).events))
    assert other.counters == reading(name).counters


def test_both_cores_say_the_same(pytestconfig: pytest.Config) -> None:
    if pytestconfig.getoption("--pure"):
        pytest.skip("the compiled run compares")
    root = pytestconfig.rootpath
    command = [sys.executable, "-m", "tests.corpus.digests"]
    compiled, pure = (
        subprocess.run(
            [*command, *options, *(FOLDER / "files" / name for name in MANIFEST)],
            cwd=root,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.splitlines()
        for options in ([], ["--pure"])
    )
    assert len(compiled) == len(MANIFEST)
    assert compiled == pure


def differences(name: str) -> dict[str, str]:
    """Return where unpacket and the oracle differ, and what unpacket says there.

    The keys are ``3ab`` (bytes or gaps of a direction of tshark's stream 3), ``3`` (no
    such stream here), ``3 client``, ``3 first frame``, ``+4`` (a stream that tshark has
    not, by its id here), ``+`` (more than MOST_ROWS of them).
    """
    stories = told(reading(name).events)
    known = MANIFEST[name].get("oracle")
    oracle = json.loads((FOLDER / known).read_text())["streams"] if known else []
    matched = match(oracle, stories)
    found = {}
    for expected in oracle:
        number = expected["stream"]
        if number not in matched:
            found[str(number)] = "no stream"
            continue
        story = matched[number]
        stream = story.stream
        if stream.first_frame != expected["first_frame"]:
            found[f"{number} first frame"] = str(stream.first_frame)
        if end(expected["a"]) != (stream.client.address, stream.client.port):
            found[f"{number} client"] = stream.role_evidence
        for sent, way in (("a", "ab"), ("b", "ba")):
            from_client = end(expected[sent]) == tuple(stream.client)
            side = story.sides[0 if from_client else 1]
            if difference := compare(side, expected.get(way, NOTHING)):
                found[f"{number}{way}"] = difference
    paired = {id(story) for story in matched.values()}
    extra = [story.stream for story in stories if id(story) not in paired]
    if len(extra) > MOST_ROWS:
        frames = repr([(stream.id, stream.first_frame) for stream in extra]).encode()
        digest = hashlib.sha256(frames).hexdigest()
        found["+"] = f"{len(extra)} more {digest[:8]}"
    else:
        found |= {
            f"+{stream.id}": f"from frame {stream.first_frame}" for stream in extra
        }
    assert_numbers(matched, {stream.id for stream in extra})
    return found


def match(oracle: list[Any], stories: list[Told]) -> dict[int, Told]:
    """Return tshark's stream numbers, each with the stream between the same ends.

    If there are several, it is the one that begins with the same frame, else the
    earliest that is left.
    """
    between: dict[Any, list[Told]] = defaultdict(list)
    for story in stories:
        stream = story.stream
        between[frozenset((tuple(stream.client), tuple(stream.server)))].append(story)
    matched = {}
    for expected in oracle:
        ends = frozenset((end(expected["a"]), end(expected["b"])))
        left = between[ends]
        if left:
            first = expected["first_frame"]
            best = min(left, key=lambda story: story.stream.first_frame != first)
            left.remove(best)
            matched[expected["stream"]] = best
    return matched


def assert_numbers(matched: dict[int, Told], extra: set[int]) -> None:
    """Assert that ids are tshark's numbers, but for streams that only one side has."""
    for number, story in matched.items():
        here = story.stream.id
        only_there = sum(other not in matched for other in range(number))
        assert here == number - only_there + sum(other < here for other in extra)


def compare(side: Side, oracle: dict[str, Any]) -> str:
    """Return what is said of a direction; nothing if the oracle says the same.

    The reference has the bytes and where some are missing. Where tshark has the same
    bytes it marks those missing ones that the peer acknowledged.
    """
    truth = oracle["ref"]
    payload = side.payload
    digest = hashlib.sha256(payload).hexdigest()
    holes = joined(side.gaps)
    wanted = truth.get("gaps", [])
    if truth.get("n_gaps", 0) > len(wanted):
        # The oracle lists the first ones.
        holes = holes[: len(wanted)]
    if len(payload) != truth["len"] or digest != truth["sha256"]:
        said = f"{len(payload)} bytes {digest[:8]}"
    elif holes != wanted or (
        oracle.get("tshark_vs_ref") == "equal"
        and joined(gap for gap in side.gaps if gap[2] == "not_captured")
        != oracle["tshark"].get("gaps", [])
    ):
        said = "equal bytes"
    else:
        return ""
    if len(side.gaps) > 3:
        return f"{said}, {len(side.gaps)} gaps of {sum(gap[1] for gap in side.gaps)}"
    return ", ".join(
        [said, *(f"{offset}+{length} {why}" for offset, length, why in side.gaps)]
    )


def joined(gaps: Iterable[tuple[int, int, str]]) -> list[list[int]]:
    """Return gaps as the oracle lists them: neighbours are one."""
    holes: list[list[int]] = []
    for offset, length, _ in gaps:
        if holes and sum(holes[-1]) == offset:
            holes[-1][1] += length
        else:
            holes.append([offset, length])
    return holes


def end(text: str) -> tuple[str, int]:
    """Return address and port of ``10.0.0.1:80`` or of the oracle's ``::1:80``."""
    address, _, port = text.rpartition(":")
    return str(ipaddress.ip_address(address.strip("[]"))), int(port)
