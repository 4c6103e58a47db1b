"""As many frames as Wireshark counts, of real captures where they are at hand."""

import json
import warnings
from pathlib import Path
from typing import Any

from tests.shared import CONFORMANCE, shared_path
from tests.sources.writing import read_all
from unpacket import sources
from unpacket.errors import CaptureWarning

# Wireshark numbers custom blocks, so it counts more than there are packets.
NUMBERED_BLOCKS = {
    "gopacket__be__test202.pcapng": 3,
    "gopacket__le__test018.pcapng": 4,
    "gopacket__le__test102.pcapng": 3,
    "gopacket__le__test202.pcapng": 3,
}
# What Wireshark stops at earlier, or not.
DAMAGED = {
    "pcpp__regression_samples__clusterfuzz-testcase-minimized-FuzzTarget-"
    "5752969003008000": 1,
}


def frames_in(path: Path) -> tuple[int, list[CaptureWarning]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CaptureWarning)
        with sources.open(path) as source:
            return len(read_all_unnumbered(source)), source.warnings


def read_all_unnumbered(source: sources.Source) -> list[tuple[Any, ...]]:
    return [batch.frame(n) for batch in source for n in range(len(batch))]


def test_every_format_gives_the_same_frames() -> None:
    folder = CONFORMANCE / "formats"
    wanted = read_all(sources.open(folder / "eth1.pcap"))
    assert len(wanted) == 9
    seen = 0
    for path in sorted(folder.iterdir()):
        count, warned = frames_in(path)
        if path.name == "trunc.pcap":
            assert count == 8
            assert [warning.offset for warning in warned] == [604]
            continue
        assert (path.name, count, warned) == (path.name, 9, [])
        if path.name.startswith(("eth1", "bigendian", "modpcap")):
            found = read_all(sources.open(path))
            assert found == wanted
            seen += 1
    assert seen >= 7


def test_as_many_frames_as_wireshark_counts() -> None:
    manifest = shared_path("captures", "MANIFEST.jsonl")
    wrong = []
    for line in manifest.read_text().splitlines():
        row = json.loads(line)
        path = manifest.parent / row["name"]
        count, warned = frames_in(path)
        wanted = row["packets"] - NUMBERED_BLOCKS.get(path.name, 0)
        wanted = DAMAGED.get(path.name, wanted)
        if count != wanted or (warned and "file-truncated" not in row["tags"]):
            wrong.append((path.name, count, wanted, warned))
    assert wrong == []
