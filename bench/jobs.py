"""What unpacket is asked to do in a benchmark, each job in a process of its own.

``python -m bench.jobs JOB CAPTURE`` does a job once and prints what it found, as
JSON. ``job_cpu_s`` there is the user+sys CPU of the job itself, without the start
of Python and the imports that come before it; ``job_peak_mib`` is the peak of this
process alone. It imports little, since peers are compared with the whole process.
"""

import json
import mmap
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import unpacket
from unpacket import sources
from unpacket._core.decode.decoder import Decoder
from unpacket._core.decode.segments import Segments
from unpacket.analysis import Analyzer, Columns
from unpacket.faces.reader import Reading

# What the sources read into at a time.
BUFFER_BYTES = 1 << 20

Facts = dict[str, Any]

HOLD_ALL = replace(unpacket.Policy(), max_held_segments=None)
# A stream that was evicted would be met again as a new one.
ROOMY = replace(unpacket.Policy(), memory_limit_bytes=1 << 34)
UNCHECKED = replace(unpacket.Policy(), checksum="ignore")


def read(capture: str) -> Facts:
    """Read the file through one buffer, and do nothing else.

    It begins where a page does: into one that does not, kernels copy at a quarter of
    the speed.
    """
    buffer = mmap.mmap(-1, BUFFER_BYTES)
    file = os.open(capture, os.O_RDONLY)
    total = 0
    while count := os.readv(file, [buffer]):
        total += count
    os.close(file)
    return {"bytes_read": total}


def batches(capture: str) -> Facts:
    """Find the frames of the file."""
    with sources.open(capture) as source:
        return {"packets": sum(len(batch) for batch in source)}


def decoded(capture: str) -> Facts:
    """Find the TCP segments of the frames of the file."""
    draw = Random()
    decoder = Decoder([draw.getrandbits(44) for _ in range(32)])
    segments = Segments()
    found = 0
    with sources.open(capture) as source:
        for batch in source:
            at = 0
            while at < len(batch):
                segments.clear()
                at = decoder.decode(batch, segments, at)
                found += len(segments)
    return {"segments": found}


def watched(capture: str, policy: unpacket.Policy | None = None) -> Facts:
    """Take all events; nobody takes data."""
    streams = evicted = 0
    for event in unpacket.events(capture, policy=policy, data=False):
        if type(event) is unpacket.Opened:
            streams += 1
        elif type(event) is unpacket.Closed and event.reason == "memory_limit":
            evicted += 1
    return {"streams": streams, "evicted": evicted}


def analysed(capture: str) -> Facts:
    """Take all events, as ``watched``, and analyse every segment."""
    return observed(capture, Analyzer())


def flagged(capture: str) -> Facts:
    """The same, and keep the columns of a batch at a time."""
    return observed(capture, Analyzer(columns=Columns()))


def observed(capture: str, analyzer: Analyzer) -> Facts:
    """Take all events while an analyzer sees every segment."""
    reading = Reading(capture, data=False)
    reading.assembler.observe(analyzer)
    streams = segments = 0
    for events in reading.lists(step=True):
        for event in events:
            streams += type(event) is unpacket.Opened
        if analyzer.columns is not None:
            segments += len(analyzer.columns)
            analyzer.columns.clear()
    return {
        "streams": streams,
        "conversations": len(analyzer),
        "columns": segments,
        "left_out": analyzer.left_out,
    }


def unchecked(capture: str) -> Facts:
    """The same, and no checksum is looked at."""
    return watched(capture, UNCHECKED)


def held(capture: str) -> Facts:
    """The same, and as many segments wait out of order as there are."""
    return watched(capture, HOLD_ALL)


def data_events(capture: str) -> Facts:
    """Take all events, with data."""
    payload_bytes = chunks = 0
    for event in unpacket.events(capture):
        if type(event) is unpacket.Data:
            chunks += 1
            payload_bytes += len(event.payload)
    return {"chunks": chunks, "bytes": payload_bytes}


def callbacks(capture: str) -> Facts:
    """Give every chunk of both directions, as bytes, to a Python function."""
    streams = chunks = payload_bytes = 0

    def taken(_stream: Any, payload: bytes) -> None:
        nonlocal chunks, payload_bytes
        chunks += 1
        payload_bytes += len(payload)

    follower = unpacket.StreamFollower()

    @follower.on_new_stream
    def new_stream(stream: Any) -> None:
        nonlocal streams
        streams += 1
        stream.on_client_data(taken)
        stream.on_server_data(taken)

    follower.feed(capture)
    follower.finish()
    return {"streams": streams, "callbacks": chunks, "bytes": payload_bytes}


def whole(capture: str) -> Facts:
    """Take whole streams, as they close."""
    streams = payload_bytes = 0
    for stream in unpacket.streams(capture):
        streams += 1
        payload_bytes += sum(len(stream.data(side, gaps="join")) for side in (0, 1))
    return {"streams": streams, "bytes": payload_bytes}


def files(capture: str, out: str) -> Facts:
    """Write each half that has data to a file in ``out``."""
    place = Path(out)
    written = 0
    for stream in unpacket.streams(capture):
        for side, data in (
            ("client", stream.data(0, gaps="join")),
            ("server", stream.data(1, gaps="join")),
        ):
            if data:
                (place / f"{stream.id}-{side}").write_bytes(data)
                written += 1
    return {"files": written}


def later(capture: str, after: int) -> Facts:
    """Say what the packets cost that come after the first ``after`` of them."""
    assembler = unpacket.Assembler(ROOMY, data=False)
    packets = 0
    began = None
    began_at = 0
    with sources.open(capture) as source:
        for batch in source:
            if began is None and packets >= after:
                began, began_at = time.process_time(), packets
            packets += len(batch)
            assembler.feed(batch)
    if began is None:
        raise ValueError(f"{capture} has only {packets} packets")
    spent_s = time.process_time() - began
    return {"each_ns": spent_s * 1e9 / (packets - began_at)}


JOBS: dict[str, Callable[..., Facts]] = {
    job.__name__: job
    for job in (
        read,
        batches,
        decoded,
        watched,
        analysed,
        flagged,
        unchecked,
        held,
        data_events,
        callbacks,
        whole,
        files,
        later,
    )
}


def own_peak_mib() -> float:
    """Return the peak memory of this process, and of no other."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise OSError("/proc/self/status tells no VmHWM")


def main(jobs: dict[str, Callable[..., Facts]], name: str, *words: str) -> None:
    """Do the job that the command line names."""
    arguments = [int(word) if word.isdigit() else word for word in words]
    began = time.process_time()
    facts = jobs[name](*arguments)
    facts["job_cpu_s"] = time.process_time() - began
    facts["job_peak_mib"] = own_peak_mib()
    print(json.dumps(facts))


if __name__ == "__main__":
    main(JOBS, *sys.argv[1:])
