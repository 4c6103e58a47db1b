"""The figures that unpacket promises, and how each is measured.

A ratio is one of medians, of commands that ran in turn. Peers are compared by the
CPU of the whole process, so that Python's start counts against unpacket; unpacket
against itself, and against reading the file, by that of the job alone.
"""

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from bench import captures, commands, http_figures, peers
from bench.guard import Skipped, counter
from bench.measure import CommandFailed
from bench.report import Result, Settings

Benchmark = Callable[[Settings], Result]

# Of the cuts of a capture whose difference is measured, the longer one has so many
# times the packets of the shorter.
LONGER = 3
MOST_SHORT = 100_000
# Instructions a packet that were promised, where nobody takes data.
A_PACKET = {
    "web": 950,
    "tiny": 850,
    "bulk": 950,
    "ugly": 1250,
    "small": 900,
    "syns": None,
}
A_CALLBACK = 1900

# The shares of a peer's CPU that were promised.
EVENTS_OF_LIBTINS = {
    "web": 0.20,
    "tiny": 0.13,
    "ugly": 0.24,
    "bulk": 0.28,
    "small": 0.33,
    "syns": 0.20,
}
EVENTS_OF_LIBNIDS = {"web": 0.40, "tiny": 0.22, "bulk": 0.55}
CALLBACKS_OF_LIBTINS = {"web": 0.30, "tiny": 0.20, "bulk": 0.40}
EVENTS_OF_READ = {"web": 3, "bulk": 2.2}

# A start is short, and varies more than a long job.
START_ROUNDS = 15
# scapy copies all that it has of a stream for each packet: 0.4 ms a packet.
SCAPY_SHARE = 4
SLOW_ROUNDS = 3
PIECES = 80_000
FEWER_PIECES = 20_000
# Four times the segments at n log n are 4.6 times the work, at n squared 16.
GROWTH = 6.0


def mix(kind: str) -> Benchmark:
    """Return the benchmark of events and callbacks on one of the mixes."""

    def measured(settings: Settings) -> Result:
        capture = captures.mix(kind, settings.packets, sums=settings.sums)
        captures.warmed(capture)
        result = Result()
        rivals = {
            "libtins": partial(peers.libtins, capture),
            "libnids": partial(peers.libnids, capture),
            "gopacket": partial(peers.gopacket, capture),
        }
        if settings.sums:
            # Without, it refuses every packet, and says so to the system's log.
            rivals["libnids verify"] = partial(peers.libnids, capture, verify=True)
        result.measure(
            settings,
            {
                **rivals,
                "read": partial(commands.job, "read", capture),
                "events": partial(commands.job, "watched", capture),
                "data events": partial(commands.job, "data_events", capture),
                "callbacks": partial(commands.job, "callbacks", capture),
            },
        )
        for job, peer, promised in (
            ("events", "libtins", EVENTS_OF_LIBTINS),
            ("events", "libnids", EVENTS_OF_LIBNIDS),
            ("callbacks", "libtins", CALLBACKS_OF_LIBTINS),
        ):
            found = result.ratio(job, peer)
            result.promise(f"{kind}: {job} / {peer}", found, promised.get(kind))
        for peer in ("libtins", "libnids"):
            of_peer = result.ratio("events", peer, "job_cpu_s", "cpu_s")
            result.promise(f"{kind}: events' job alone / {peer}", of_peer, None)
        if kind in EVENTS_OF_READ:
            of_read = result.ratio("events", "read", "job_cpu_s")
            result.promise(f"{kind}: events / read", of_read, EVENTS_OF_READ[kind])
        return result

    return measured


def instructions(settings: Settings) -> Result:
    """Instructions a packet, and what a callback adds: no quiet machine is needed.

    That of a packet is the difference of two cuts of the same traffic, without what
    starts and ends once. A callback's is what the job with callbacks needs more than
    the one without data, new streams and their ends included, for each that was called.
    """
    result = Result()
    short = min(settings.packets // 10, MOST_SHORT)
    extra = (LONGER - 1) * short
    try:
        _, count = counter()
        for kind, limit in A_PACKET.items():
            cuts = [captures.mix(kind, size) for size in (short, LONGER * short)]
            events = [count(commands.job("watched", cut).argv) for cut in cuts]
            each = (events[1] - events[0]) / extra
            result.promise(f"{kind}: instructions a packet", each, limit, "")
            if kind == "web":
                called = [count(commands.job("callbacks", cut).argv) for cut in cuts]
                added = called[1] - called[0] - (events[1] - events[0])
                times = [commands.facts("callbacks", cut)["callbacks"] for cut in cuts]
                each = added / (times[1] - times[0])
                result.promise(f"{kind}: a callback", each, A_CALLBACK, "")
    except Skipped as why:
        result.missing["instructions"] = str(why)
    except CommandFailed as why:
        result.failed["instructions"] = str(why)
    return result


def checksums(settings: Settings) -> Result:
    """What verification is of the whole, where there are right sums to verify."""
    result = Result()
    for kind in ("bulk", "web"):
        capture = captures.mix(kind, settings.packets)
        captures.warmed(capture)
        result.measure(
            settings,
            {
                f"{kind} verified": partial(commands.job, "watched", capture),
                f"{kind} ignored": partial(commands.job, "unchecked", capture),
            },
        )
        rest = result.ratio(f"{kind} ignored", f"{kind} verified", "job_cpu_s")
        share = None if rest is None else 1 - rest
        result.promise(f"{kind}: checksums / all", share, 0.30)
    return result


def digest(settings: Settings) -> Result:
    """A digest of each side of each stream, against one of the file."""
    capture = captures.mix("web", settings.packets, sums=settings.sums)
    captures.warmed(capture)
    result = Result()
    result.measure(
        settings,
        {
            "sha256sum": partial(peers.sha256sum, capture),
            "streams": partial(commands.listed, capture),
            "streams --digest": partial(commands.listed, capture, digest=True),
        },
    )
    of_sum = result.ratio("streams --digest", "sha256sum")
    result.promise("web: streams --digest / sha256sum", of_sum, 3)
    return result


def follow(settings: Settings) -> Result:
    """All streams against tshark following one, a packet."""
    capture = captures.mix("web", settings.packets, sums=settings.sums)
    sample = captures.mix("web", settings.sample, sums=settings.sums)
    captures.warmed(capture)
    captures.warmed(sample)
    result = Result()
    result.measure(
        settings,
        {
            "tshark, one of the sample": partial(peers.tshark_follow, sample),
            "follow, all": partial(commands.followed, capture),
        },
    )
    ratio = result.ratio("tshark, one of the sample", "follow, all")
    each = None if ratio is None else ratio * settings.packets / settings.sample
    result.promise("web: tshark one / follow all, a packet", each, 20, at_least=True)
    return result


def analysis(settings: Settings) -> Result:
    """The analysis on top of the events, and against tshark for the same columns."""
    capture = captures.mix("web", settings.packets, sums=settings.sums)
    sample = captures.mix("web", settings.sample, sums=settings.sums)
    captures.warmed(capture)
    captures.warmed(sample)
    result = Result()
    result.measure(
        settings,
        {
            "events": partial(commands.job, "watched", capture),
            "events, analysed": partial(commands.job, "analysed", capture),
            "events, analysed, columns": partial(commands.job, "flagged", capture),
            "tshark, of the sample": partial(peers.tshark_analysis, sample),
        },
    )
    for name in ("events, analysed", "events, analysed, columns"):
        result.promise(f"web: {name} / events", result.ratio(name, "events"), 1.5)
    ratio = result.ratio("tshark, of the sample", "events, analysed, columns")
    each = None if ratio is None else ratio * settings.packets / settings.sample
    result.promise("web: tshark / analysis, a packet", each, 20, at_least=True)
    return result


def whole(settings: Settings) -> Result:
    """unpacket.streams against scapy's TCPSession, a dpkt loop and tcpflow's files."""
    capture = captures.mix("web", settings.packets, sums=settings.sums)
    sample = captures.mix("web", settings.sample, sums=settings.sums)
    few = settings.sample // SCAPY_SHARE
    small = captures.mix("web", few, sums=settings.sums)
    out = captures.directory() / "flows"
    for path in (capture, sample, small):
        captures.warmed(path)
    result = Result()
    rounds = min(settings.rounds, SLOW_ROUNDS)
    result.measure(
        replace(settings, rounds=rounds),
        {
            "unpacket.streams": partial(commands.job, "whole", capture),
            "scapy, of fewer": partial(peers.scapy, small),
            "dpkt, of the sample": partial(peers.dpkt, sample),
            "tcpflow, of the sample": partial(peers.tcpflow, sample, out),
            "files, of the sample": partial(commands.files, sample, out),
        },
    )
    scapy = result.ratio("scapy, of fewer", "unpacket.streams")
    each = None if scapy is None else scapy * settings.packets / few
    result.promise("web: scapy / unpacket.streams, a packet", each, 300, at_least=True)
    dpkt = result.ratio("dpkt, of the sample", "unpacket.streams")
    each = None if dpkt is None else dpkt * settings.packets / settings.sample
    result.promise("web: dpkt / unpacket.streams, a packet", each, None, at_least=True)
    tcpflow = result.ratio("tcpflow, of the sample", "files, of the sample")
    result.promise("web: tcpflow / files", tcpflow, 5, at_least=True)
    return result


def extract(settings: Settings) -> Result:
    """Each half to a file, against tcpflow.

    Neither computes digests: tcpflow does with ``-e md5``, unpacket with
    ``--digest``. Both set the times of files, and write what they found (tcpflow to
    ``report.xml``).
    """
    capture = captures.mix("web", settings.packets, sums=settings.sums)
    out = captures.scratch() / "flows"
    captures.warmed(capture)
    result = Result()
    result.measure(
        settings,
        {
            "tcpflow": partial(peers.tcpflow, capture, out),
            "extract": partial(commands.extracted, capture, out),
            "tcpflow -e md5": partial(peers.tcpflow, capture, out, digest=True),
            "extract --digest": partial(commands.extracted, capture, out, digest=True),
        },
    )
    shutil.rmtree(out, ignore_errors=True)
    result.promise("web: extract / tcpflow", result.ratio("extract", "tcpflow"), 1 / 3)
    wall = result.ratio("extract", "tcpflow", "wall_s")
    result.promise("web: extract / tcpflow, wall", wall, 1)
    digests = result.ratio("extract --digest", "tcpflow -e md5")
    result.promise("web: extract --digest / tcpflow -e md5", digests, None)
    return result


def passes(settings: Settings) -> Result:
    """What reads captures as a whole, against the list of streams."""
    capture = captures.mix("web", settings.packets, sums=settings.sums)
    out = captures.scratch() / "parts"
    captures.warmed(capture)
    result = Result()
    result.measure(
        settings,
        {
            "streams": partial(commands.listed, capture),
            "check": partial(commands.checked, capture),
            "split": partial(commands.split, capture, out),
        },
    )
    shutil.rmtree(out, ignore_errors=True)
    result.promise("web: check / streams", result.ratio("check", "streams"), 1.25)
    # It reads twice, and writes as much as it reads.
    result.promise("web: split / streams", result.ratio("split", "streams"), 2.5)
    return result


def workers(settings: Settings) -> Result:
    """Two jobs against one, by the clock on the wall."""
    result = Result()
    for kind in ("bulk", "web"):
        capture = captures.mix(kind, settings.packets, sums=settings.sums)
        captures.warmed(capture)
        one, two = f"{kind}, 1 job", f"{kind}, 2 jobs"
        result.measure(
            settings,
            {
                one: partial(commands.listed, capture),
                two: partial(commands.listed, capture, workers=2),
            },
        )
        gain = result.ratio(one, two, "wall_s")
        result.promise(f"{kind}: wall of 1 job / 2 jobs", gain, 1.6, at_least=True)
    return result


def memory(settings: Settings) -> Result:
    """What streams cost that do nothing: half-open ones, and idle ones."""
    streams = settings.packets
    flood = captures.scenario("syn_flood", streams)
    idle = captures.scenario("established", 3 * streams)
    nearly_none = captures.scenario("established", 3 * 1000)
    result = Result()
    result.measure(
        replace(settings, rounds=1),
        {
            "half-open streams": partial(commands.job, "watched", flood),
            "idle streams": partial(commands.job, "watched", idle),
            "1,000 idle streams": partial(commands.job, "watched", nearly_none),
        },
    )
    peak = result.value("half-open streams", "job_peak_mib")
    evicted = result.value("half-open streams", "evicted")
    least = result.value("1,000 idle streams", "job_peak_mib")
    if peak is not None and least is not None:
        peak = least + (peak - least) * 1_000_000 / streams
    result.promise("1,000,000 half-open streams", peak, 512, "MiB")
    result.promise("half-open streams evicted", evicted, 0, "")
    most = result.value("idle streams", "job_peak_mib")
    each = None
    if most is not None and least is not None:
        each = (most - least) * (1 << 20) / (streams - 1000)
    result.promise("an idle stream", each, 400, "bytes")
    kept = result.value("idle streams", "evicted")
    result.promise("idle streams evicted", kept, 0, "")
    return result


def look_up(settings: Settings) -> Result:
    """A packet's cost among 1,000 live streams, and among as many as there can be."""
    most = settings.packets
    few = captures.scenario("few_live", 4 * most)
    many = captures.scenario("many_live", 4 * most)
    for path in (few, many):
        captures.warmed(path)
    result = Result()
    result.measure(
        settings,
        {
            "1,000 live": partial(commands.job, "later", few, 3 * 1000),
            f"{most:,} live": partial(commands.job, "later", many, 3 * most),
        },
    )
    growth = result.ratio(f"{most:,} live", "1,000 live", "each_ns")
    result.promise(f"a packet among {most:,} streams / 1,000", growth, 3)
    return result


def start(settings: Settings) -> Result:
    """How long until something can begin."""
    result = Result()
    result.measure(
        replace(settings, rounds=START_ROUNDS),
        {
            "python -c pass": partial(commands.python, "pass"),
            "import unpacket": partial(commands.python, "import unpacket"),
            "unpacket --help": partial(commands.tool, "--help"),
        },
    )
    python = result.value("python -c pass", "wall_s")
    imported = result.value("import unpacket", "wall_s")
    own = None
    if python is not None and imported is not None:
        own = (imported - python) * 1000
    result.promise("import unpacket, beyond Python's start", own, 80, "ms")
    shown = result.value("unpacket --help", "wall_s")
    whole = None if shown is None else shown * 1000
    result.promise("unpacket --help, all of it", whole, 200, "ms")
    return result


def pieces(settings: Settings) -> Result:
    """Four-byte segments of one stream, all out of order."""
    result = Result()
    for order in ("reversed", "shuffled"):
        many = captures.scenario(f"{order}_pieces", PIECES)
        fewer = captures.scenario(f"{order}_pieces", FEWER_PIECES)
        result.measure(
            settings,
            {
                f"{order} {PIECES:,}": partial(commands.job, "held", many),
                f"{order} {FEWER_PIECES:,}": partial(commands.job, "held", fewer),
            },
        )
        spent = result.value(f"{order} {PIECES:,}", "job_cpu_s")
        result.promise(f"{PIECES:,} segments {order}", spent, 0.3, "s")
        growth = result.ratio(
            f"{order} {PIECES:,}", f"{order} {FEWER_PIECES:,}", "job_cpu_s"
        )
        result.promise(f"four times the segments {order}", growth, GROWTH)
    return result


BENCHMARKS: dict[str, Benchmark] = {
    "instructions": instructions,
    "bulk": mix("bulk"),
    "web": mix("web"),
    "ugly": mix("ugly"),
    "tiny": mix("tiny"),
    "small": mix("small"),
    "syns": mix("syns"),
    "checksums": checksums,
    "digest": digest,
    "follow": follow,
    "analysis": analysis,
    "whole": whole,
    "extract": extract,
    "passes": passes,
    "workers": workers,
    "memory": memory,
    "look_up": look_up,
    "http": http_figures.exchanges,
    "http columns": http_figures.columns,
    "http parser": http_figures.parser,
    "start": start,
    "pieces": pieces,
}
