"""Where unpacket's time goes: read, decode, look-up, reassemble, deliver.

Jobs of ``bench.jobs`` that each go one stage further are run in turn, and a stage
is the difference of two medians. Look-up cannot be left out of a job; its share is
that of the samples that ``perf`` finds in ``table.py``, and without perf it is
counted as reassembly.
"""

import re
import shutil
import subprocess
from collections import defaultdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import captures, commands
from bench.report import Result, Settings, amount, table

JOBS = (
    "read",
    "batches",
    "decoded",
    "unchecked",
    "watched",
    "data_events",
    "callbacks",
)
HERTZ = 5000
PERF_TIMEOUT_S = 120
# Cython's mangled name: ..._8unpacket_5_core_10reassembly_5table_9FlowTable_find
CORE_SYMBOL = re.compile(r"_8unpacket_5_core_\d+[a-z]+_(\d+)(\w+)")


def module_of(symbol: str) -> str:
    """Return the core's module that a symbol of perf's is of, or what else it is."""
    mangled = CORE_SYMBOL.search(symbol)
    if mangled is not None:
        return mangled[2][: int(mangled[1])]
    return "kernel" if symbol.startswith("[k]") else "Python and C"


def shares(capture: Path, job: str) -> dict[str, float] | str:
    """Return the share of CPU of each module of the core, or why it is not known."""
    perf = shutil.which("perf")
    if perf is None:
        return "perf is not installed"
    with TemporaryDirectory() as place:
        data = f"{place}/perf.data"
        record = (perf, "record", "-q", "-e", "cpu-clock", "-F", str(HERTZ))
        argv = (*record, "-o", data, "--", *commands.job(job, capture).argv)
        report = (perf, "report", "-i", data, "--stdio", "-F", "overhead,symbol")
        for step in (argv, (*report, "-t", "\t")):
            done = subprocess.run(
                step, capture_output=True, text=True, timeout=PERF_TIMEOUT_S
            )
            if done.returncode:
                words = done.stderr.strip().splitlines() or ["it failed"]
                return f"perf: {words[-1]}"
    found: dict[str, float] = defaultdict(float)
    for line in done.stdout.splitlines():
        percent, tab, symbol = line.partition("\t")
        if tab and not line.startswith("#"):
            found[module_of(symbol)] += float(percent.strip().rstrip("%")) / 100
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def stages(result: Result, look_up: float | None) -> dict[str, float | None]:
    """Return the CPU seconds of each stage; ``look_up`` is its share of a job."""

    def beyond(job: str, before: str) -> float | None:
        after, start = result.value(job, "job_cpu_s"), result.value(before, "job_cpu_s")
        return None if after is None or start is None else after - start

    tables = None
    watched = result.value("watched", "job_cpu_s")
    if look_up is not None and watched is not None:
        tables = look_up * watched
    rest = beyond("watched", "decoded")
    return {
        "read": result.value("read", "job_cpu_s"),
        "find frames": beyond("batches", "read"),
        "decode": beyond("decoded", "batches"),
        "  of it, checksums": beyond("watched", "unchecked"),
        "look-up": tables,
        "reassemble": None if rest is None else rest - (tables or 0.0),
        "deliver events": beyond("data_events", "watched"),
        "deliver to callbacks": beyond("callbacks", "watched"),
    }


def profile(kind: str, settings: Settings) -> tuple[Result, str]:
    """Return the samples of one mix, and its stages as text."""
    capture = captures.warmed(captures.mix(kind, settings.packets, sums=settings.sums))
    result = Result()
    result.measure(
        settings, {name: partial(commands.job, name, capture) for name in JOBS}
    )
    found = shares(capture, "watched")
    look_up = None if isinstance(found, str) else found.get("table", 0.0)
    rows = [
        (
            f"  {name}",
            "-" if spent is None else f"{spent:.3f}",
            amount(None if spent is None else spent * 1e9 / settings.packets),
        )
        for name, spent in stages(result, look_up).items()
    ]
    parts = [f"{kind}, by stage", table(("", "cpu s", "ns a packet"), rows)]
    parts += [f"  {name}: failed: {why}" for name, why in result.failed.items()]
    if isinstance(found, str):
        parts.append(f"  look-up counts as reassembly: {found}")
    else:
        modules = ", ".join(
            f"{name} {share:.0%}" for name, share in found.items() if share >= 0.005
        )
        parts.append(f"  events with no taker for data, by module: {modules}")
    return result, "\n".join(parts)
