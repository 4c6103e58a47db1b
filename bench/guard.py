"""Whether a small fixed run needs about as many instructions as it used to.

``python -m bench.guard`` compares with the numbers of ``guard.json`` and exits with
1 where a job needs over 10 % more; ``--update`` stores today's. Unlike seconds, the
count hardly depends on what else the machine does. It does depend on the version of
Python and on the kind of processor, so a number is stored for each; where there is
none, or no tool that counts, the guard says so and is content.
"""

import argparse
import json
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bench import captures, commands
from bench.measure import CommandFailed
from unpacket._core.memory import batch

STORED = Path(__file__).with_name("guard.json")
TOLERANCE = 0.10
TIMEOUT_S = 600
KIND = "ugly"
PACKETS = 50_000
JOBS = ("watched", "callbacks")
# The order of sets of strings would change the count a little.
ENVIRONMENT = {"PYTHONHASHSEED": "0"}

Counter = Callable[[tuple[str, ...]], int]


class Skipped(Exception):
    """Why nothing can be said."""


def counted(argv: tuple[str, ...], pattern: str) -> int:
    """Return the number that ``pattern`` finds in what a tool says.

    Raises:
        CommandFailed: The tool, or what it ran, did not exit with 0.
        Skipped: There is none.
    """
    done = subprocess.run(
        ("env", *(f"{name}={value}" for name, value in ENVIRONMENT.items()), *argv),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    found = re.search(pattern, done.stderr)
    if done.returncode:
        raise CommandFailed(argv, f"exit {done.returncode}: {done.stderr.strip()}")
    if found is None:
        raise Skipped(f"{argv[0]} does not count here: {done.stderr.strip()}")
    return int(found[1])


def by_callgrind(argv: tuple[str, ...]) -> int:
    """Return the instructions of a command."""
    tool = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")
    return counted((*tool, *argv), r"Collected : (\d+)")


def by_perf(argv: tuple[str, ...]) -> int:
    """Return the instructions of a command, those of the kernel left out."""
    tool = ("perf", "stat", "-x,", "-e", "instructions:u")
    return counted((*tool, *argv), r"(?m)^(\d+),")


def counter() -> tuple[str, Counter]:
    """Return the name of a tool, and how to count with it.

    Raises:
        Skipped: There is none, or the core that would be measured is not compiled.
    """
    if batch.__file__.endswith(".py"):
        raise Skipped("the core is not compiled")
    if shutil.which("valgrind"):
        return "callgrind", by_callgrind
    if shutil.which("perf"):
        # Virtual machines often have no counters.
        by_perf(("true",))
        return "perf", by_perf
    raise Skipped("neither valgrind nor perf is installed")


def measured(count: Counter) -> dict[str, int]:
    """Return the instructions of each job, without the start of Python."""
    nothing = captures.mix(KIND, 0)
    capture = captures.mix(KIND, PACKETS)
    return {
        name: count(commands.job(name, capture).argv)
        - count(commands.job(name, nothing).argv)
        for name in JOBS
    }


def judged(found: dict[str, int], stored: dict[str, int]) -> bool:
    """Print how each job fares; return whether all are within the tolerance."""
    fine = True
    for name, count in found.items():
        change = count / stored[name] - 1
        print(f"{name}: {count:,} instructions, {change:+.1%} of {stored[name]:,}")
        if change > TOLERANCE:
            fine = False
        elif change < -TOLERANCE:
            print("  so much better that it should be stored: --update")
    return fine


def main() -> int:
    """Compare or store."""
    parser = argparse.ArgumentParser("python -m bench.guard", description=__doc__)
    parser.add_argument("--update", action="store_true", help="store today's numbers")
    update = parser.parse_args().update
    stored = json.loads(STORED.read_text()) if STORED.exists() else {}
    try:
        tool, count = counter()
        major, minor, _ = platform.python_version_tuple()
        key = f"cpython-{major}.{minor} {platform.machine()} {tool}"
        if key not in stored and not update:
            raise Skipped(f"no number is stored for {key}")
        found = measured(count)
    except Skipped as why:
        print(f"bench.guard: skipped: {why}")
        return 0
    if update:
        stored[key] = found
        STORED.write_text(json.dumps(stored, indent=2, sort_keys=True) + "\n")
        print(f"stored for {key}: {found}")
        return 0
    return 0 if judged(found, stored[key]) else 1


if __name__ == "__main__":
    sys.exit(main())
