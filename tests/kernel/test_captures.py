"""What a program on Linux read, of captures that were made beside it.

``cases.json`` has what ``recv()`` gave, and how it ended. A stream is right where it
is that: its bytes up to the first hole, for a program reads no further. README.md
says how the captures were made.
"""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.captured import Reading, read, told
from unpacket import Closed, Data, Direction, Finished, Gap, Opened, Policy

FOLDER = Path(__file__).parent
CASES: list[dict[str, Any]] = json.loads((FOLDER / "cases.json").read_text())
LINUX = Policy.preset("linux")
# These say what a stream is; all others say what is doubtful about it.
PLAIN = Opened | Data | Gap | Finished | Closed

# Cases that are known to be wrong, by what is not weighed yet. Whoever mends one takes
# it out: one that is right and still stands here fails.
WRONG_BYTES: dict[str, str] = {}
WRONG_ENDS: dict[str, str] = {}
NOT_REPORTED: dict[str, str] = {}


def cases(wrong: dict[str, str], wanted: str = "read") -> list[Any]:
    """Return the parameters of all cases that say what is wanted."""
    known = {name: why for why, names in wrong.items() for name in names.split()}
    assert known.keys() <= {case["name"].removesuffix(".pcap") for case in CASES}
    found = []
    for case in CASES:
        if wanted not in case:
            continue
        name = case["name"].removesuffix(".pcap")
        marks = []
        if name in known:
            why = f"known to be wrong: {known[name]}"
            marks = [pytest.mark.xfail(reason=why, raises=AssertionError, strict=True)]
        found.append(pytest.param(case, id=name, marks=marks))
    return found


@pytest.fixture(scope="module")
def captures() -> zipfile.ZipFile:
    return zipfile.ZipFile(FOLDER / "captures.zip")


def reading(captures: zipfile.ZipFile, case: dict[str, Any], policy: Policy) -> Reading:
    return read(io.BytesIO(captures.read(case["name"])), policy)


def read_by_the_program(found: Reading) -> bytes:
    """Return what streams say that the server's program read."""
    parts = []
    for story in told(found.events):
        for part in story.sides[Direction.CLIENT].said:
            if isinstance(part, Gap):
                break
            parts.append(part)
    return b"".join(parts)


def cut(payload: bytes, case: dict[str, Any]) -> bytes:
    """Return what can be compared: of some cases only the first bytes are known."""
    return payload[: len(case["read"])] if case.get("cut") else payload


def test_each_capture_has_a_case(captures: zipfile.ZipFile) -> None:
    assert sorted(captures.namelist()) == sorted(case["name"] for case in CASES)


@pytest.mark.parametrize("case", cases(WRONG_BYTES))
def test_a_stream_is_what_the_program_read(
    case: dict[str, Any], captures: zipfile.ZipFile
) -> None:
    found = read_by_the_program(reading(captures, case, LINUX))
    assert cut(found, case) == case["read"].encode("latin-1")


@pytest.mark.parametrize("case", cases(WRONG_ENDS, "end"))
def test_a_stream_ends_as_the_program_saw(
    case: dict[str, Any], captures: zipfile.ZipFile
) -> None:
    events = reading(captures, case, LINUX).events
    ends = [
        "eof" if isinstance(event, Finished) else event.reason
        for event in events
        if isinstance(event, Closed)
        or (isinstance(event, Finished) and event.direction is Direction.CLIENT)
    ]
    assert ends[0] == case["end"]


@pytest.mark.parametrize("case", cases(NOT_REPORTED))
def test_by_default_what_differs_is_reported(
    case: dict[str, Any], captures: zipfile.ZipFile
) -> None:
    found = reading(captures, case, Policy())
    ours = cut(read_by_the_program(found), case)
    wanted = case["read"].encode("latin-1")
    if ours != wanted:
        same = [a == b for a, b in zip(ours, wanted, strict=False)]
        first = [*same, False].index(False)
        assert any(
            event.offset <= first < event.offset + max(length(event), 1)
            for event in found.events
            if reports(event) and event.direction is Direction.CLIENT
        )


def reports(event: Any) -> bool:
    """Return whether an event says that bytes are doubtful, delivered or not."""
    if isinstance(event, Data):
        return event.doubt is not None
    return not isinstance(event, PLAIN)


def length(event: Any) -> int:
    """Return how many bytes an event is about."""
    return len(event.kept if hasattr(event, "kept") else event.payload)
