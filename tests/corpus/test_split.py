"""Real captures, split: the parts have the same streams as the whole."""

from pathlib import Path
from typing import Any

import pytest

import unpacket
from tests.shared import shared_path
from unpacket import sources, split
from unpacket.errors import FormatError

FOLDER = shared_path("captures", "files")
NAMES = sorted(path.name for path in FOLDER.iterdir())

# What a part cannot have: the packet of another stream that ended this one, or
# showed that its time was over.
OF_OTHERS = ("reused", "timeout", "end_of_capture", "memory_limit")


def summaries(source: Any) -> list[unpacket.Summary]:
    found = unpacket.summaries(source, digest=True)
    return sorted(found, key=lambda summary: summary.id)


def facts(summary: unpacket.Summary) -> dict[str, Any]:
    record = summary.to_dict()
    del record["id"]
    if record["close_reason"] in OF_OTHERS:
        if record["close_reason"] == "reused":
            # The SYN that showed it was still taken for one of this stream.
            del record["last_ns"]
        record["close_reason"] = "end_of_capture"
    return record


def split_up(path: Path, out: Path) -> dict[int, Path]:
    """Split a capture, and return the part of each stream by its id."""
    with sources.open(path) as source:
        findings = split.find(source)
    with sources.open(path) as source:
        pieces = split.parts(source, findings, interfaces=lambda: source.interfaces)
        split.write(str(out), pieces, findings, name="{id}")
    return {int(part.name): part for part in out.iterdir()}


@pytest.mark.filterwarnings("ignore::unpacket.errors.CaptureWarning")
@pytest.mark.parametrize("name", NAMES)
def test_the_parts_have_the_same_streams(name: str, tmp_path: Path) -> None:
    path = FOLDER / name
    try:
        whole = summaries(path)
    except FormatError:
        pytest.skip("it is not read")
    parts = split_up(path, tmp_path)
    assert sorted(parts) == [summary.id for summary in whole]
    for summary in whole:
        (again,) = summaries(parts[summary.id])
        expected, found = facts(summary), facts(again)
        if "last_ns" not in expected:
            del found["last_ns"]
        assert found == expected
