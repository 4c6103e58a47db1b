"""Real captures, split: the parts have the same streams as the whole, and tshark reads
them, with what we found as comments."""

import subprocess
from collections import defaultdict
from pathlib import Path
from shutil import which
from typing import Any

import pytest

import unpacket
from tests.shared import shared_path
from unpacket import sources
from unpacket.errors import FormatError
from unpacket.sinks import split

FOLDER = shared_path("captures", "files")
NAMES = sorted(path.name for path in FOLDER.iterdir())

# All are as many runs of tshark.
SIZE_LIMIT = 50_000
SOME = [name for name in NAMES if (FOLDER / name).stat().st_size < SIZE_LIMIT][::8]
SOME += ["pcpp__PcapExamples__4KHttpRequests.pcap", "zeek__tcp__truncated-header.pcap"]
AS_ROOT = 'Running as user "root" and group "root". This could be dangerous.'

# What a part cannot have: the packet of another stream that ended this one, or
# showed that its time was over.
OF_OTHERS = ("reused", "timeout", "end_of_capture", "memory_limit")


OF_THE_END = ("end", "end_ns", "duration_ns")


def summaries(source: Any) -> list[unpacket.Summary]:
    found = unpacket.summaries(source, digest=True)
    return sorted(found, key=lambda summary: summary.id)


def facts(summary: unpacket.Summary) -> dict[str, Any]:
    record = summary.to_dict()
    del record["id"]
    # Frames are counted anew.
    del record["first_frame"]
    if record["close_reason"] in OF_OTHERS:
        if record["close_reason"] == "reused":
            # The SYN that showed it was still taken for one of this stream.
            for name in OF_THE_END:
                del record[name]
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
        if not set(OF_THE_END) <= set(expected):
            for name in OF_THE_END:
                del found[name]
        assert found == expected


def comments_found(name: str, joined: Path) -> tuple[int, dict[int, list[str]]]:
    """Write the parts of a capture as one file, and return how many frames it has and
    the comments by their numbers there."""
    parts: dict[int, list[bytes]] = defaultdict(list)
    with sources.open(FOLDER / name) as source:
        findings = split.find(source)
    with sources.open(FOLDER / name) as source:
        for stream_id, octets, _ in split.parts(
            [*source], findings, interfaces=lambda: source.interfaces
        ):
            parts[stream_id].append(bytes(octets))
    joined.write_bytes(b"".join(b"".join(pieces) for pieces in parts.values()))
    rows = sorted(findings.rows(), key=lambda row: list(parts).index(row[1]))
    remarks = {
        position: findings.remarks(number, stream_id)
        for position, (number, stream_id) in enumerate(rows, 1)
    }
    return len(rows), {number: said for number, said in remarks.items() if said}


@pytest.mark.skipif(which("tshark") is None, reason="tshark is not installed")
@pytest.mark.filterwarnings("ignore::unpacket.errors.CaptureWarning")
@pytest.mark.parametrize("name", sorted(SOME))
def test_tshark_reads_the_parts_and_shows_the_comments(
    name: str, tmp_path: Path
) -> None:
    # A pcapng file may have many sections: one run of tshark reads all parts.
    joined = tmp_path / "joined.pcapng"
    try:
        count, expected = comments_found(name, joined)
    except FormatError:
        pytest.skip("it is not read")
    if not count:
        pytest.skip("it has no TCP")
    fields = ("-E", "aggregator=|", "-e", "frame.number", "-e", "frame.comment")
    done = subprocess.run(
        ["tshark", "-n", "-r", str(joined), "-T", "fields", *fields],
        capture_output=True,
        encoding="utf-8",
        timeout=100,
    )
    assert done.returncode == 0
    assert set(done.stderr.splitlines()) <= {AS_ROOT}
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(rows) == count
    shown = {int(number): said.split("|") for number, said in rows if said}
    assert shown == expected
