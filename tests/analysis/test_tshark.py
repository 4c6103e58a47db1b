"""Segment by segment, the analysis finds what tshark does, but for a reviewed table.

What stands in ``DIFFERENCES`` has to be found, and nothing else.
"""

import shutil
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.analysis.observed import NUMBERS, of_capture, of_tshark
from tests.shared import SHARED

RECORDINGS = Path(__file__).parents[1] / "recordings"
FILES = SHARED / "captures" / "files"

# How many segments of a capture differ, and why that is so.
DIFFERENCES = {
    "zeek__Traces__cisco-fabric-path.pcap": (
        16,
        "IP says more than the frame has, and what is there is no whole TCP header: "
        "tshark does not analyse it",
    ),
    "pcpp__file_heuristics__pcapng-example.pcapng.zst": (
        47,
        "the frames' times are later than 2262, and stand as the latest there is",
    ),
    "pcpp__regression_samples__"
    "clusterfuzz-testcase-minimized-FuzzTarget-5755755617189888": (
        1,
        "the length on the wire is invented: tshark takes none from it",
    ),
    "suricata-verify__transform-base64-7296__input.pcap": (
        2,
        "the clock jumps by years, and tshark shows more than a second of fractions",
    ),
}
LEAST_SHARE = 0.999


@cache
def tshark_version() -> str:
    if shutil.which("tshark") is None:
        return ""
    ran = subprocess.run(["tshark", "--version"], capture_output=True, text=True)
    return ran.stdout.split()[2] if ran.stdout else ""


def captures() -> list[Path]:
    own = sorted(RECORDINGS.glob("*.pcapng.gz"))
    return [*own, *(sorted(FILES.iterdir()) if FILES.is_dir() else [])]


def differing(path: Path) -> tuple[int, Counter[str]]:
    """Return how many segments were compared, and of how many which field differs."""
    ours = {}
    twice = set()
    for row in of_capture(path):
        if row["frame"] in ours:
            twice.add(row["frame"])
        ours[row["frame"]] = row
    compared = 0
    found: Counter[str] = Counter()
    for frame, _, flags, numbers in of_tshark(path):
        if frame not in ours or frame in twice:
            # Of other streams than ours: test_corpus has those.
            continue
        row = ours[frame]
        compared += 1
        names = set(row["names"])
        if names & {"fast_retransmission", "spurious_retransmission"}:
            # tshark notes both.
            names.add("retransmission")
        different = [name for name in NUMBERS if numbers[name] != row[name]]
        if row["rto_frame"] and row["rto_ns"] == 0:
            # No time is shown with its frame.
            different = [name for name in different if name != "rto_frame"]
        if names != flags:
            different.append("flags")
        if (numbers["ack_rtt"] or 0) != (row["ack_rtt_ns"] if row["acks_frame"] else 0):
            different.append("ack_rtt")
        if numbers["rto"] not in (None, row["rto_ns"]):
            different.append("rto")
        if numbers["initial_rtt"] not in (None, row["initial_rtt_ns"]):
            different.append("initial_rtt")
        if different:
            found[" ".join(sorted(different))] += 1
    return compared, found


COMPARED: dict[str, tuple[int, int]] = {}


@pytest.mark.skipif(
    not tshark_version().startswith("4.0."), reason="tshark 4.0 is not at hand"
)
@pytest.mark.parametrize("path", captures(), ids=lambda path: path.name)
def test_segments_have_tsharks_flags(path: Path) -> None:
    compared, found = differing(path)
    expected, _ = DIFFERENCES.get(path.name, (0, ""))
    COMPARED[path.name] = (compared, found.total())
    assert found.total() == expected, found


@pytest.mark.skipif(
    not tshark_version().startswith("4.0."), reason="tshark 4.0 is not at hand"
)
def test_nearly_all_segments_are_the_same() -> None:
    if len(COMPARED) < len(captures()):
        pytest.skip("not all captures were compared in this run")
    compared = sum(count for count, _ in COMPARED.values())
    different = sum(count for _, count in COMPARED.values())
    assert different <= (1 - LEAST_SHARE) * compared
