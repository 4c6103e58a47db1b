"""Real captures, followed as tshark does: byte for byte what tshark prints.

Of streams about which both agree, that is; where they do not, ``differences.py`` or
the table here says why. tshark also numbers what only looks like a stream (a segment
that an ICMP error or an sFlow report quotes): then ours is looked for behind it.
"""

import json
import subprocess
import warnings
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from shutil import which

import pytest

from tests.corpus.differences import DIFFERENCES
from tests.shared import shared_path
from unpacket import Data, Policy, events
from unpacket.sinks.render.tshark import FORMS, LINE, Tshark

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
POLICY = Policy.preset("wireshark").replace(overlap="bsd")
MOST_STREAMS = 40
# How many streams that are none tshark has before one, at most.
MOST_PHANTOMS = 4
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

# Streams of which tshark follows other bytes though its oracle has ours, or has them
# in another order; what ``differences.py`` has is not here again.
OTHERWISE = {
    ("nfstream__pcaps__KakaoTalk_chat.pcap", 2): "Two SYN-ACKs have different initial"
    " sequence numbers: the client acknowledges the second, tshark goes by the first.",
    ("nfstream__pcaps__nest_log_sink.pcap", 0): "The first segment is a keep-alive:"
    " tshark takes the byte before the next for missing.",
    (
        "suricata-verify__bug-6244-tcp-rst-with-data__tcp-rst-with-data.pcap",
        0,
    ): "An RST has a payload: why the connection was refused, and no data.",
    (
        "suricata-verify__tcp-rst-unacked-stream-01-raw__input.pcap",
        0,
    ): "An RST has a payload: why the connection was refused, and no data.",
    ("tcpflow__tests__test1-out-of-order.pcap", 0): "The first segment captured is"
    " not the first of its side: tshark drops what comes before it.",
    ("tcpflow__tests__test5-lines-randomized.pcap", 0): "All packets are shuffled, and"
    " the SYN comes after data, where tshark begins another stream.",
}


class Stream:
    """One stream, as we follow it."""

    def __init__(self) -> None:
        self.renderers = {form: Tshark(form) for form in FORMS}
        self.printed: dict[str, list[bytes]] = defaultdict(list)
        self.has_data = False

    def take(self, event: object) -> None:
        self.has_data |= isinstance(event, Data)
        for form, renderer in self.renderers.items():
            self.printed[form].append(renderer.render(event))

    def __getitem__(self, form: str) -> bytes:
        return b"".join(self.printed[form])


def ours(name: str) -> dict[int, Stream]:
    """Return the first streams that have data."""
    streams: dict[int, Stream] = defaultdict(Stream)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for event in events(FOLDER / name, policy=POLICY):
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


def nodes(text: bytes) -> list[bytes]:
    """Return who speaks, as the header of a form says."""
    return [line for line in text.split(b"\n") if line.startswith(b"Node ")]


def numbers(name: str, streams: dict[int, Stream]) -> dict[int, int]:
    """Return which stream of tshark's is which of ours."""
    last = max(streams) + MOST_PHANTOMS
    heads = theirs(name, [(number, "raw") for number in range(last + 1)])
    found = {}
    ahead = 0
    for number, stream in streams.items():
        wanted = nodes(stream["raw"])
        while ahead <= MOST_PHANTOMS and nodes(heads[number + ahead, "raw"]) != wanted:
            ahead += 1
        if ahead > MOST_PHANTOMS:
            return {number: number for number in streams}
        found[number] = number + ahead
    return found


def unequal(name: str) -> tuple[int, list[tuple[int, str]]]:
    """Return how many streams were compared, and which of tshark's it prints
    otherwise, in which form."""
    streams = ours(name)
    forms = [form for form in FORMS if form != "yaml" or name not in ODD_TIMES]
    if not streams:
        return 0, []
    partners = numbers(name, streams)
    printed = theirs(name, [(one, form) for one in partners.values() for form in forms])
    found = []
    for number, stream in streams.items():
        partner = partners[number]
        for form in forms:
            text = printed[partner, form].replace(
                b"\nFilter: tcp.stream eq %d\n" % partner,
                b"\nFilter: tcp.stream eq %d\n" % number,
            )
            if text != stream[form]:
                found.append((partner, form))
    return len(streams), found


def explained(name: str, number: int) -> bool:
    """Return whether it is known why a stream is printed otherwise."""
    sides = {f"{number}ab", f"{number}ba"}
    return (name, number) in OTHERWISE or bool(REVIEWED[name] & sides)


@pytest.mark.parametrize("name", sorted({*SOME, *(name for name, _ in OTHERWISE)}))
def test_streams_are_printed_as_tshark_prints_them(name: str) -> None:
    _, found = unequal(name)
    assert [one for one in found if not explained(name, one[0])] == []
    for capture, number in OTHERWISE:
        # No row is left when its reason is gone.
        assert capture != name or number in {one for one, _ in found}
