"""What tshark finds in a capture: a second opinion, where it is installed."""

import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

needs_tshark = pytest.mark.skipif(
    shutil.which("tshark") is None, reason="tshark is not installed"
)


def seen_by_tshark(path: Path, filter: str, *fields: str) -> list[Counter[str]]:
    """Return what tshark finds over TCP, and how often, for each field."""
    command = ["tshark", "-r", str(path), "-2", "-Y", f"tcp && {filter}"]
    command += ["-T", "fields", "-E", "separator=|", "-E", "aggregator=;"]
    for field in fields:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    rows = [line.split("|") for line in done.stdout.splitlines()]
    return [
        Counter(value for row in rows for value in row[n].split(";") if value)
        for n in range(len(fields))
    ]
