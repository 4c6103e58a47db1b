"""What commands cost: user+sys CPU, wall time and peak memory, measured in turn.

Commands that are compared run one after the other, round after round, so that what
else the machine does falls on all of them. A round's order never changes.

The kernel counts the memory of the process that started a command into that
command's peak until it has replaced it, so a small command's peak is that of the
benchmark itself, some 20 MiB.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from threading import Timer
from typing import Any

TIMEOUT_S = 300.0
# Where Python must not write down what it has compiled it compiles all modules again
# at each start, 0.1 s and more; users' does not.
NOT_INHERITED = "PYTHONDONTWRITEBYTECODE"


class CommandFailed(Exception):
    """A command that should have been measured did not end well."""

    def __init__(self, argv: Sequence[str], reason: str) -> None:
        super().__init__(tuple(argv), reason)
        self.argv, self.reason = tuple(argv), reason

    def __str__(self) -> str:
        return f"{' '.join(self.argv)}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command; ``facts`` is the JSON object that it printed, if any."""

    cpu_s: float
    wall_s: float
    peak_mib: float
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Command:
    """A program and its arguments.

    Attributes:
        tells: Whether the last line that it prints is a JSON object of facts.
        fills: A directory that the program writes to, emptied before each run.
        within_s: How long it may take.
        exits: The codes with which it ends well.
    """

    argv: tuple[str, ...]
    tells: bool = False
    fills: Path | None = None
    within_s: float = TIMEOUT_S
    exits: tuple[int, ...] = (0,)


@dataclass(slots=True)
class Sample:
    """All runs of one command, and why there are no more of them."""

    runs: list[Run] = field(default_factory=list)
    failure: str | None = None

    @property
    def cpu_s(self) -> float:
        """The median."""
        return median(run.cpu_s for run in self.runs)

    @property
    def least_cpu_s(self) -> float:
        """The minimum."""
        return min(run.cpu_s for run in self.runs)

    @property
    def wall_s(self) -> float:
        """The median."""
        return median(run.wall_s for run in self.runs)

    @property
    def peak_mib(self) -> float:
        """The maximum."""
        return max(run.peak_mib for run in self.runs)

    def fact(self, name: str) -> float:
        """Return the median of a fact that each run told."""
        return float(median(run.facts[name] for run in self.runs))

    def as_json(self) -> dict[str, Any]:
        """Return medians, the least CPU, and the facts of the last run."""
        if not self.runs:
            return {"failure": self.failure}
        return {
            "cpu_s": round(self.cpu_s, 4),
            "least_cpu_s": round(self.least_cpu_s, 4),
            "wall_s": round(self.wall_s, 4),
            "peak_mib": round(self.peak_mib, 1),
            "rounds": len(self.runs),
            "facts": self.runs[-1].facts,
        }


def run(command: Command) -> Run:
    """Run ``command`` once.

    Raises:
        CommandFailed: It could not start, took too long, or did not end well.
    """
    if command.fills is not None:
        shutil.rmtree(command.fills, ignore_errors=True)
        command.fills.mkdir(parents=True)
    with tempfile.TemporaryFile() as told, tempfile.TemporaryFile() as complaint:
        began = time.perf_counter()
        try:
            process = subprocess.Popen(
                command.argv,
                env={k: v for k, v in os.environ.items() if k != NOT_INHERITED},
                stdin=subprocess.DEVNULL,
                stdout=told if command.tells else subprocess.DEVNULL,
                stderr=complaint,
            )
        except OSError as error:
            raise CommandFailed(command.argv, error.strerror or str(error)) from None
        # Not process.kill: that may wait for the process, and take its usage.
        timer = Timer(command.within_s, os.kill, (process.pid, signal.SIGKILL))
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        wall_s = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in command.exits:
            complaint.seek(0)
            words = complaint.read().decode(errors="replace").strip().splitlines()
            said = f": {words[-1]}" if words else ""
            if wall_s >= command.within_s:
                said = f" after {command.within_s:.0f} s"
            raise CommandFailed(command.argv, f"exit {process.returncode}{said}")
        facts: dict[str, Any] = {}
        if command.tells:
            told.seek(0)
            facts = json.loads(told.read().splitlines()[-1])
    return Run(
        cpu_s=usage.ru_utime + usage.ru_stime,
        wall_s=wall_s,
        peak_mib=usage.ru_maxrss / 1024,
        facts=facts,
    )


def in_turn(
    commands: Mapping[str, Command], rounds: int, within_s: float = TIMEOUT_S
) -> dict[str, Sample]:
    """Run every command ``rounds`` times, A B A B; fewer once ``within_s`` has passed.

    A command that fails is left out of the following rounds.
    """
    samples = {name: Sample() for name in commands}
    began = time.monotonic()
    for _ in range(rounds):
        for name, command in commands.items():
            sample = samples[name]
            if sample.failure is None:
                try:
                    sample.runs.append(run(command))
                except CommandFailed as error:
                    sample.failure = str(error)
        if time.monotonic() - began > within_s:
            break
    return samples
