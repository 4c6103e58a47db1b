"""What is counted for the memory bound is what a process takes, within a tenth.

Each kind of stream is measured in a process of its own, see ``grown``. Uncompiled,
objects are larger than those that are counted.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.core.reassembly.grown import KINDS
from unpacket._core.memory import batch

TOLERANCE = 0.10
TIMEOUT_S = 120

pytestmark = [
    pytest.mark.skipif(
        batch.__file__.endswith(".py"),
        reason="what is counted are sizes of the compiled core",
    ),
    pytest.mark.skipif(
        not Path("/proc/self/statm").exists(),
        reason="only Linux says how much memory a process has in /proc/self/statm",
    ),
]


@pytest.mark.parametrize("kind", [*KINDS, "followed_idle", "followed_repeated"])
def test_what_is_counted_is_what_is_held(kind: str) -> None:
    done = subprocess.run(
        (sys.executable, "-m", "tests.core.reassembly.grown", kind),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    grown, counted = map(int, done.stdout.split())
    assert grown > 8 << 20
    assert counted == pytest.approx(grown, rel=TOLERANCE)
