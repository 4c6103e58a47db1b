"""What a benchmark gives: samples of commands, and figures that are met or not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.measure import Command, Sample, in_turn
from bench.peers import PeerMissing


@dataclass(frozen=True, slots=True)
class Settings:
    """How much is measured.

    Attributes:
        packets: The size of a capture.
        rounds: How often each command runs.
        sums: Whether captures carry right checksums, or none.
    """

    packets: int = 1_000_000
    rounds: int = 5
    sums: bool = True

    @property
    def sample(self) -> int:
        """The packets of a capture for a peer that is slow."""
        return self.packets // 5


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that unpacket promises.

    Attributes:
        limit: The most that is allowed, the least where ``at_least``; None where
            nothing was promised.
        value: What was measured; None where that was not possible.
    """

    name: str
    value: float | None
    limit: float | None
    unit: str = "x"
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the promise was kept; None if there is none, or nobody knows."""
        if self.value is None or self.limit is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def as_json(self) -> dict[str, Any]:
        """Return the facts of it."""
        return {
            "name": self.name,
            "value": self.value,
            "limit": self.limit,
            "at_least": self.at_least,
            "unit": self.unit,
            "met": self.met,
        }


@dataclass(slots=True)
class Result:
    """What one benchmark found.

    Attributes:
        samples: By the name of the command.
        missing: Why a command is not there to be measured.
        failed: How a command ended that should have been.
    """

    samples: dict[str, Sample] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)

    def measure(
        self, settings: Settings, commands: dict[str, Callable[[], Command]]
    ) -> None:
        """Run commands in turn; what is missing or fails is said, not raised."""
        ready = {}
        for name, make in commands.items():
            try:
                ready[name] = make()
            except PeerMissing as missing:
                self.missing[name] = str(missing)
        self.samples.update(in_turn(ready, settings.rounds))
        for name in ready:
            failure = self.samples[name].failure
            if failure is not None:
                self.failed[name] = failure

    def value(self, name: str, of: str = "cpu_s") -> float | None:
        """Return the median of a command's cost or fact; None if it did not run."""
        sample = self.samples.get(name)
        if sample is None or not sample.runs:
            return None
        if of in ("cpu_s", "wall_s", "peak_mib"):
            return float(getattr(sample, of))
        return sample.fact(of)

    def ratio(
        self, name: str, base: str, of: str = "cpu_s", base_of: str | None = None
    ) -> float | None:
        """Return the ratio of medians of two commands, of the same cost if not told."""
        over, under = self.value(name, of), self.value(base, base_of or of)
        return None if over is None or not under else over / under

    def promise(
        self,
        name: str,
        value: float | None,
        limit: float | None,
        unit: str = "x",
        *,
        at_least: bool = False,
    ) -> None:
        """Add a figure."""
        self.figures.append(Figure(name, value, limit, unit, at_least))

    def as_json(self) -> dict[str, Any]:
        """Return the facts of it."""
        return {
            "samples": {name: item.as_json() for name, item in self.samples.items()},
            "missing": self.missing,
            "failed": self.failed,
            "figures": [figure.as_json() for figure in self.figures],
        }


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return rows as text: the first column to the left, the others to the right."""
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def amount(value: float | None) -> str:
    """Return a number with three digits that matter."""
    if value is None:
        return "-"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def shown(name: str, result: Result) -> str:
    """Return a result as text."""
    parts = [f"{name}"]
    if any(sample.runs for sample in result.samples.values()):
        rows = []
        for command, sample in result.samples.items():
            if not sample.runs:
                continue
            facts = sample.runs[-1].facts
            own = f"{sample.fact('job_cpu_s'):.3f}" if "job_cpu_s" in facts else ""
            counts = [facts.get(fact) for fact in ("streams", "bytes")]
            rows.append(
                (
                    f"  {command}",
                    f"{sample.cpu_s:.3f}",
                    f"{sample.least_cpu_s:.3f}",
                    own,
                    f"{sample.wall_s:.3f}",
                    f"{sample.peak_mib:.0f}",
                    *("" if count is None else f"{count:,}" for count in counts),
                )
            )
        head = ("", "cpu s", "least", "job", "wall s", "MiB", "streams", "bytes")
        parts.append(table(head, rows))
    parts += [f"  {command}: skipped: {why}" for command, why in result.missing.items()]
    parts += [f"  {command}: failed: {why}" for command, why in result.failed.items()]
    if result.figures:
        parts.append(figures_table(result.figures))
    return "\n".join(parts)


def verdict(figure: Figure) -> str:
    """Return whether a figure is met, in words."""
    if figure.value is None:
        return "not measured"
    if figure.met is None:
        return ""
    return "met" if figure.met else "NOT MET"


def promised(figure: Figure) -> str:
    """Return what the figure should be."""
    if figure.limit is None:
        return ""
    return f"{'>=' if figure.at_least else '<='} {amount(figure.limit)}"


def figures_table(figures: Iterable[Figure]) -> str:
    """Return figures as text, and whether each is met."""
    rows = [
        (
            f"  {figure.name}",
            amount(figure.value),
            promised(figure),
            figure.unit,
            verdict(figure),
        )
        for figure in figures
    ]
    return table(("", "found", "promised", "", ""), rows)
