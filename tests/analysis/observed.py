"""What the analysis finds of the segments of a capture, and what tshark finds."""

import subprocess
import warnings
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.builder import Frame
from unpacket import Assembler, Batch, Policy, sources
from unpacket._core.decode.segments import Segments
from unpacket.analysis.columns import Columns
from unpacket.analysis.constants import FLAGS
from unpacket.analysis.tracker import Tracker

# What of ``FLAGS`` tshark 4.0 has a field for.
TSHARK_FLAGS = tuple(name for name in FLAGS if name != "partial_ack")
NUMBERS = (
    "duplicate_ack_num",
    "duplicate_ack_frame",
    "acks_frame",
    "bytes_in_flight",
    "push_bytes_sent",
    "rto_frame",
)
TIMES = ("ack_rtt", "rto", "initial_rtt")
NS = Decimal(1_000_000_000)

Row = dict[str, Any]


def analysed(
    batches: Iterable[Batch], *, newer: bool = False, policy: Policy | None = None
) -> tuple[Tracker, list[Row]]:
    """Return the analysis of batches: the tracker, and a row for each segment."""
    decoder = Assembler(policy).decoder
    tracker = Tracker(newer)
    columns = Columns()
    segments = Segments()
    for batch in batches:
        at = 0
        while at < batch.count:
            segments.clear()
            at = decoder.decode(batch, segments, at)
            tracker.take(segments, batch, 0, segments.count, columns)
    rows: list[Row] = [dict(columns.row(n)) for n in range(len(columns))]
    for row in rows:
        row["names"] = names_of(row["flags"])
    return tracker, rows


def of_frames(frames: list[Frame], *, newer: bool = False) -> list[Row]:
    """Return the rows of frames that a test has made."""
    return analysed([Batch.from_frames(frames)], newer=newer)[1]


def of_capture(path: Path) -> list[Row]:
    """Return the rows of a capture, as Wireshark tells connections apart."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with sources.open(path) as batches:
            return analysed(batches, policy=Policy.preset("wireshark"))[1]


def names_of(flags: int) -> set[str]:
    """Return which flags are set."""
    return {name for n, name in enumerate(FLAGS) if flags >> n & 1}


def of_tshark(path: Path) -> Iterator[tuple[int, str, set[str], dict[str, int | None]]]:
    """Give of each frame its number and stream, the flags and the other fields."""
    fields = [
        "frame.number",
        "tcp.stream",
        *(f"tcp.analysis.{name}" for name in TSHARK_FLAGS + NUMBERS + TIMES),
    ]
    command = ["tshark", "-r", str(path), "-n", "-Y", "tcp", "-T", "fields"]
    command += ["-o", "tcp.desegment_tcp_streams:FALSE", "-E", "separator=|"]
    for field in fields:
        command += ["-e", field]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    for line in ran.stdout.splitlines():
        frame, stream, *values = line.split("|")
        flags = {
            name for name, value in zip(TSHARK_FLAGS, values, strict=False) if value
        }
        rest = values[len(TSHARK_FLAGS) :]
        if any("," in value for value in (stream, *rest)):
            # Several segments in a frame: which is which cannot be seen.
            continue
        numbers = {
            name: int(value) if value else 0
            for name, value in zip(NUMBERS, rest, strict=False)
        }
        times = {
            name: int(Decimal(value) * NS) if value else None
            for name, value in zip(TIMES, rest[len(NUMBERS) :], strict=True)
        }
        yield int(frame), stream, flags, {**numbers, **times}
