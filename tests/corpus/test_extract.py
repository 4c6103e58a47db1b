"""Extracted files, and tcpflow's of the same real captures.

The oracle says of each direction what tcpflow wrote, and whether that is what an
independent program found (with zeros where bytes are missing). Where it is, the file
has to be the same, but for what the reviewed table says of the direction.
"""

import hashlib
import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

import unpacket
from tests.corpus.differences import DIFFERENCES
from tests.shared import shared_path
from unpacket.sinks.extract import Extractor

FOLDER = shared_path("captures")
RIGHT = ("equal", "equal_zero_filled")
MAX_BYTES = 100_000_000


def oracle() -> dict[str, list[dict[str, Any]]]:
    """Return the streams of each capture that has one."""
    found = {}
    for line in (FOLDER / "MANIFEST.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if entry.get("oracle"):
            facts = json.loads((FOLDER / entry["oracle"]).read_text())
            found[Path(entry["name"]).name] = facts["streams"]
    return found


STREAMS = oracle()
REVIEWED: dict[str, set[str]] = defaultdict(set)
for row in DIFFERENCES:
    REVIEWED[row.capture].update(row.found)


def expected(name: str) -> list[tuple[str, str]]:
    """Return name and SHA-256 of the files of tcpflow that are right."""
    files = []
    for stream in STREAMS[name]:
        for side in ("ab", "ba"):
            facts = stream.get(side, {})
            written = facts.get("tcpflow", {}).get("files", [])
            number = stream["stream"]
            wrong = REVIEWED[name] & {f"{number}{side}", f"{number}", "capture"}
            if facts.get("tcpflow_vs_ref") in RIGHT and len(written) == 1:
                file, size, digest = written[0]
                # Named with %A.%a-%B.%b--%t--%#: the last two are of the run.
                if size < MAX_BYTES and not wrong:
                    files.append((file.split("--")[0], digest))
    return files


@pytest.mark.parametrize("name", [name for name in STREAMS if expected(name)])
def test_files_are_those_of_tcpflow(name: str, tmp_path: Path) -> None:
    with Extractor(tmp_path, gaps="zeros") as extractor:
        extractor.take_all(unpacket.events(FOLDER / "files" / name))
    digests = defaultdict(set)
    for line in (tmp_path / "index.jsonl").read_text().splitlines():
        for file in json.loads(line)["files"].values():
            if file["name"] and file["bytes"] < MAX_BYTES:
                written = (tmp_path / file["name"]).read_bytes()
                # A second stream of the same ends has c1 behind its name.
                ends = re.sub(r"c\d+$", "", file["name"])
                digests[ends].add(hashlib.sha256(written).hexdigest())
    missing = [
        (ends, digest) for ends, digest in expected(name) if digest not in digests[ends]
    ]
    assert missing == []
