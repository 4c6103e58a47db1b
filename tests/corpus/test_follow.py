"""Real captures, followed as tshark does: byte for byte what tshark prints.

Of streams about which both agree, that is; where they do not, ``differences.py`` says
why it is tshark that is wrong. Where bytes are missing tshark may have its record of
that later than we do, so of such streams the lines are compared.
"""

import json
import re
import subprocess
import warnings
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from shutil import which

import pytest

from tests.corpus.differences import DIFFERENCES
from tests.shared import shared_path
from unpacket import Data, Gap, Policy, events
from unpacket.sinks.tshark import FORMS, LINE, Tshark

FOLDER = shared_path("captures", "files")
# All are some hundred runs of tshark; these show each kind of stream.
SIZE_LIMIT = 20_000
EVERY = 8
MANIFEST = map(json.loads, (FOLDER.parent / "MANIFEST.jsonl").read_text().splitlines())
CAPTURES = sorted(Path(one["name"]).name for one in MANIFEST if one.get("oracle"))
SOME = [name for name in CAPTURES if (FOLDER / name).stat().st_size < SIZE_LIMIT][
    ::EVERY
]
SOME += [
    "arkime__pcap__arkime_synthetic.pcap",
    "nfstream__pcaps__bittorrent.pcap",
    "nfstream__pcaps__kerberos.pcap",
    "pcpp__PacketExamples__telnet.pcap",
]
MOST_STREAMS = 40
MISSING = re.compile(
    rb"^\t?5b[0-9a-f]+206279746573206d697373696e67[0-9a-f]+5d00\n", re.M
)
# Times that only some formats can hold: tshark adds up what we clamp.
ODD_TIMES = {
    "pcpp__file_heuristics__pcapng-example.pcapng.zst",
    "pcpp__regression_samples__clusterfuzz-testcase-minimized-FuzzTarget-"
    "4829420752470016",
}

pytestmark = pytest.mark.skipif(which("tshark") is None, reason="tshark is missing")


REVIEWED: dict[str, set[str]] = defaultdict(set)
for row in DIFFERENCES:
    REVIEWED[row.capture].update(row.found)


class Stream:
    """One stream, as we follow it."""

    def __init__(self) -> None:
        self.renderers = {form: Tshark(form) for form in FORMS}
        self.printed: dict[str, list[bytes]] = defaultdict(list)
        self.has_data = False
        self.has_gap = False

    def take(self, event: object) -> None:
        self.has_data |= isinstance(event, Data)
        self.has_gap |= isinstance(event, Gap)
        for form, renderer in self.renderers.items():
            self.printed[form].append(renderer.render(event))

    def __getitem__(self, form: str) -> bytes:
        return b"".join(self.printed[form])


def ours(name: str) -> dict[int, Stream]:
    """Return the first streams that have data."""
    streams: dict[int, Stream] = defaultdict(Stream)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for event in events(FOLDER / name, policy=Policy.preset("wireshark")):
            streams[event.stream.id].take(event)
    ids = [number for number in sorted(streams) if streams[number].has_data]
    return {number: streams[number] for number in ids[:MOST_STREAMS]}


def theirs(name: str, asked: list[tuple[int, str]]) -> dict[tuple[int, str], bytes]:
    """Return what tshark prints of each stream in each form."""
    command = ["tshark", "-n", "-q", "-r", str(FOLDER / name)]
    for number, form in asked:
        command += ["-z", f"follow,tcp,{form},{number}"]
    rest = subprocess.run(command, capture_output=True, timeout=100).stdout
    printed = {}
    # What was asked for last comes first.
    for one, following in pairwise(asked[::-1]):
        stop = rest.index(beginning(*following), 1)
        printed[one], rest = rest[:stop], rest[stop:]
    return {**printed, asked[0]: rest}


def beginning(number: int, form: str) -> bytes:
    """Return what the output for a stream begins with."""
    if form == "yaml":
        return b"peers:\n  - peer: 0\n    host: "
    return b"\n%sFollow: tcp,%s\nFilter: tcp.stream eq %d\n" % (
        LINE,
        form.encode(),
        number,
    )


def both(raw: bytes) -> tuple[bytes, bytes]:
    """Return the bytes of both nodes, of the raw form without its header."""
    _, _, body = raw.partition(b"Node 1: ")
    lines = MISSING.sub(b"", body.partition(b"\n")[2]).split(b"\n")
    digits = [line for line in lines if not line.startswith(b"=")]
    first = b"".join(line for line in digits if not line.startswith(b"\t"))
    return first, b"".join(line[1:] for line in digits if line.startswith(b"\t"))


def alike(stream: Stream, form: str, text: bytes) -> bool:
    """Return whether tshark's output is ours."""
    if stream.has_gap:
        lines = sorted(text.split(b"\n")) == sorted(stream[form].split(b"\n"))
        return lines or form == "yaml"
    return text == stream[form]


def unequal(name: str) -> tuple[int, int, list[tuple[int, str]]]:
    """Return how many streams were asked for, how many of these are others, and which
    of the rest are printed otherwise, in which form."""
    streams = ours(name)
    forms = [form for form in FORMS if form != "yaml" or name not in ODD_TIMES]
    if not streams:
        return 0, 0, []
    printed = theirs(name, [(number, form) for number in streams for form in forms])
    others = 0
    found = []
    for number, stream in streams.items():
        unlike = [
            (number, form)
            for form in forms
            if not alike(stream, form, printed[number, form])
        ]
        reviewed = REVIEWED[name] & {f"{number}ab", f"{number}ba"}
        if unlike and (reviewed or both(printed[number, "raw"]) != both(stream["raw"])):
            others += 1
        else:
            found += unlike
    return len(streams), others, found


@pytest.mark.parametrize("name", sorted(set(SOME)))
def test_streams_are_printed_as_tshark_prints_them(name: str) -> None:
    _, _, found = unequal(name)
    assert found == []
