"""Measure unpacket and its peers: ``make bench``, or ``python -m bench``."""

import argparse
import json
import os
import platform
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import micro
from bench.figures import BENCHMARKS
from bench.report import Figure, Result, Settings, figures_table, shown
from bench.stages import profile
from bench.traffic import MIXES

QUICK_PACKETS = 100_000
MICRO = "micro"


def machine() -> dict[str, Any]:
    """Return what the numbers depend on."""
    model = platform.processor() or "unknown processor"
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {
        "processor": model,
        "processors": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "day": time.strftime("%Y-%m-%d"),
    }


def asked() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    names = [*BENCHMARKS, MICRO]
    parser.add_argument(
        "--only",
        metavar="NAME",
        action="append",
        choices=names,
        help=f"one of {', '.join(names)}; may be repeated",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"{QUICK_PACKETS:,} packets: shows that all runs, not how fast",
    )
    parser.add_argument(
        "--profile", action="store_true", help="the cost of each stage, on each mix"
    )
    parser.add_argument("--packets", type=int, help="of a capture")
    parser.add_argument("--rounds", type=int, help="how often each command runs")
    parser.add_argument(
        "--zero-sums",
        action="store_true",
        help="captures of the mixes without checksums, as many generators make them",
    )
    return parser.parse_args()


def main() -> int:
    """Run what was asked for; return 1 if a command failed, of unpacket or a peer."""
    options = asked()
    settings = Settings(sums=not options.zero_sums)
    if options.quick:
        settings = replace(settings, packets=QUICK_PACKETS, rounds=3)
    if options.packets:
        settings = replace(settings, packets=options.packets)
    if options.rounds:
        settings = replace(settings, rounds=options.rounds)
    wanted = options.only or ([] if options.profile else [*BENCHMARKS, MICRO])

    def say(text: str) -> None:
        print(text, end="\n\n", file=sys.stderr if options.json else None, flush=True)

    say(", ".join(f"{key} {value}" for key, value in machine().items()))
    results: dict[str, Result] = {}
    for name in wanted:
        if name == MICRO:
            found = micro.measured(settings)
            results |= {f"{MICRO} {scenario}": item for scenario, item in found.items()}
            say(micro.shown(found, settings))
        else:
            results[name] = BENCHMARKS[name](settings)
            say(shown(name, results[name]))
    if options.profile:
        for kind in MIXES:
            results[f"profile {kind}"], text = profile(kind, settings)
            say(text)
    figures: list[Figure] = [
        figure for result in results.values() for figure in result.figures
    ]
    if figures:
        say(figures_table(figures))
    if options.json:
        print(
            json.dumps(
                {
                    "machine": machine(),
                    "packets": settings.packets,
                    "rounds": settings.rounds,
                    "checksums": settings.sums,
                    "results": {
                        name: result.as_json() for name, result in results.items()
                    },
                },
                indent=1,
            )
        )
    return 1 if any(result.failed for result in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
