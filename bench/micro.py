"""What a packet costs in captures that each press on one thing (``bench.scenarios``).

There is nothing to compare with but yesterday's numbers: no figure is promised.
A scenario without streams is one that unpacket does not decode.
"""

from functools import partial

from bench import captures, commands
from bench.report import Result, Settings, amount, table

# With a million streams in each, more than the other captures have packets.
MANY_STREAMS = {"syn_flood": 1, "established": 3}
SCENARIOS = (
    "in_order",
    "reordered",
    "overlapping",
    "tiny_segments",
    "jumbo",
    "ipv6",
    "qinq",
    "vxlan",
    "fragments",
)
JOBS = ("read", "batches", "decoded", "watched", "data_events", "callbacks")


def packets_of(scenario: str, settings: Settings) -> int:
    """Return how many packets the capture of a scenario has."""
    if scenario in MANY_STREAMS:
        return MANY_STREAMS[scenario] * settings.packets
    return settings.sample


def measured(settings: Settings) -> dict[str, Result]:
    """Return what each job costs on each scenario."""
    results = {}
    for scenario in (*SCENARIOS, *MANY_STREAMS):
        capture = captures.scenario(scenario, packets_of(scenario, settings))
        captures.warmed(capture)
        result = Result()
        result.measure(
            settings,
            {name: partial(commands.job, name, capture) for name in JOBS},
        )
        results[scenario] = result
    return results


def shown(results: dict[str, Result], settings: Settings) -> str:
    """Return a table: the nanoseconds of a packet, of each job, and the peak."""
    rows = []
    for scenario, result in results.items():
        packets = packets_of(scenario, settings)
        cells = [f"  {scenario}", f"{packets:,}"]
        for name in JOBS:
            spent_s = result.value(name, "job_cpu_s")
            cells.append(amount(None if spent_s is None else spent_s * 1e9 / packets))
        cells.append(amount(result.value("watched", "job_peak_mib")))
        cells.append(amount(result.value("watched", "streams")))
        rows.append(cells)
    failures = [
        f"  {scenario}, {name}: failed: {why}"
        for scenario, result in results.items()
        for name, why in result.failed.items()
    ]
    head = ("ns a packet", "packets", *JOBS, "MiB", "streams")
    return "\n".join([table(head, rows), *failures])
