"""The figures of HTTP: exchanges, objects and the parser, against who else does it."""

import shutil
from dataclasses import replace
from functools import partial

from bench import captures, commands, peers
from bench.report import Result, Settings

SLOW_ROUNDS = 3
REQUESTS = 200_000
# What the memory of ten times the exchanges may be of that of the fewer.
FLAT = 1.1


def exchanges(settings: Settings) -> Result:
    """Exchanges against the events that they are made of, in time and in memory."""
    capture = captures.http(settings.packets)
    fewer = captures.http(settings.packets // 10)
    for path in (capture, fewer):
        captures.warmed(path)
    result = Result()
    result.measure(
        settings,
        {
            "data events": partial(commands.job, "data_events", capture),
            "exchanges": partial(commands.http_job, "exchanges", str(capture)),
            "exchanges, no bodies": partial(
                commands.http_job, "exchanges", str(capture), "none"
            ),
            "exchanges of a tenth": partial(commands.http_job, "exchanges", str(fewer)),
        },
    )
    of_events = result.ratio("exchanges", "data events", "job_cpu_s")
    result.promise("http: exchanges / data events", of_events, 1.5)
    bare = result.ratio("exchanges, no bodies", "data events", "job_cpu_s")
    result.promise("http: exchanges without bodies / data events", bare, None)
    growth = result.ratio("exchanges", "exchanges of a tenth", "job_peak_mib")
    result.promise("http: memory of ten times the exchanges", growth, FLAT)
    return result


def columns(settings: Settings) -> Result:
    """The table of exchanges and their bodies, against tshark, on a sample."""
    capture = captures.http(settings.sample)
    out = captures.scratch() / "objects"
    captures.warmed(capture)
    result = Result()
    result.measure(
        replace(settings, rounds=min(settings.rounds, SLOW_ROUNDS)),
        {
            "tshark -T fields": partial(peers.tshark_columns, capture),
            "columns": partial(commands.http_job, "columns", str(capture)),
            "unpacket http": partial(commands.http_table, capture),
            "tshark --export-objects": partial(peers.tshark_objects, capture, out),
            "digests": partial(commands.http_job, "digests", str(capture)),
            "unpacket objects": partial(commands.objects, capture, out),
        },
    )
    shutil.rmtree(out, ignore_errors=True)
    table = result.ratio("tshark -T fields", "columns")
    result.promise("http: tshark -T fields / columns", table, 30, at_least=True)
    command = result.ratio("tshark -T fields", "unpacket http")
    result.promise("http: tshark -T fields / unpacket http", command, None)
    digests = result.ratio("tshark --export-objects", "digests")
    result.promise("http: --export-objects / digests", digests, 15, at_least=True)
    files = result.ratio("tshark --export-objects", "unpacket objects")
    result.promise("http: --export-objects / unpacket objects", files, None)
    return result


def parser(settings: Settings) -> Result:
    """The parser alone, against httptools."""
    result = Result()
    for how, limit in (("messages", 1.0), ("headers", 0.9)):
        ours, theirs = f"{how}", f"httptools, {how}"
        result.measure(
            settings,
            {
                theirs: partial(peers.httptools, how, REQUESTS),
                ours: partial(commands.http_job, "parse", how, REQUESTS),
            },
        )
        faster = result.ratio(theirs, ours, "parse_cpu_s")
        result.promise(f"http: httptools / parser, {how}", faster, limit, at_least=True)
    return result
