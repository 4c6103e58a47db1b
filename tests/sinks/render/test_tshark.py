"""Conversations with holes, laid out as tshark lays them out, byte for byte.

What tshark does was found by such captures: it goes on behind a hole when a segment of
the peer acknowledges more than the hole, and not before one comes.
"""

import random
import subprocess
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from shutil import which
from typing import Literal

import pytest

from tests.builder import RST, SECOND, START_NS, Conversation, Frame, write_pcap
from unpacket import Policy, events
from unpacket.sinks.render.tshark import FORMS, Tshark

STREAMS = 60
POLICY = Policy.preset("wireshark").replace(overlap="bsd")

pytestmark = pytest.mark.skipif(which("tshark") is None, reason="tshark is missing")


def ours(path: Path) -> dict[tuple[int, str], bytes]:
    """Return how each stream of a capture is laid out in each form."""
    renderers: dict[tuple[int, str], Tshark] = {}
    parts: dict[tuple[int, str], list[bytes]] = defaultdict(list)
    for event in events(path, policy=POLICY):
        for form in FORMS:
            key = event.stream.id, form
            if key not in renderers:
                renderers[key] = Tshark(form)
            parts[key].append(renderers[key].render(event))
    return {key: b"".join(parts[key]) for key in parts}


def theirs(path: Path, asked: list[tuple[int, str]]) -> dict[tuple[int, str], bytes]:
    """Return how tshark lays them out."""
    command = ["tshark", "-n", "-q", "-r", str(path)]
    for number, form in asked:
        command += ["-z", f"follow,tcp,{form},{number}"]
    rest = subprocess.run(command, capture_output=True, timeout=100, check=True).stdout
    printed = {}
    # What was asked for last comes first.
    for one, (_, form) in pairwise(asked[::-1]):
        begin = b"peers:\n" if form == "yaml" else b"\n" + b"=" * 67 + b"\nFollow: "
        stop = rest.index(begin, 1)
        printed[one], rest = rest[:stop], rest[stop:]
    return {**printed, asked[0]: rest}


def lossy(chance: random.Random, number: int, frames: list[Frame]) -> None:
    """Add a conversation of which the capture misses some, and that may end."""
    talk = Conversation(
        ("10.0.0.1", 20000 + number),
        client_isn=chance.choice([1000, 2**32 - 10]),
        start_ns=START_NS + number * SECOND,
        frames=frames,
    )
    talk.handshake()
    # What each side has sent; the next is behind it.
    sent: list[list[tuple[int, bytes]]] = [[], []]
    edges = [1, 1]
    for _ in range(chance.randrange(3, 16)):
        side: Literal[0, 1] = chance.choice([0, 1])
        # Two bytes at least: one could be a keep-alive.
        size = chance.randrange(2, 9)
        seq, payload = edges[side], b""
        kind = chance.choice(["new", "new", "lost", "old", "ack"])
        if kind in ("new", "lost"):
            letters = ((65, 97)[side] + (seq + n) % 26 for n in range(size))
            payload = bytes(letters)
            sent[side].append((seq, payload))
            edges[side] += size
        elif kind == "old" and sent[side]:
            seq, payload = chance.choice(sent[side])
        # The peer may have all of it, or less.
        most = edges[1 - side]
        ack = chance.choice([most, chance.randrange(max(1, most - 10), most + 1)])
        ack = max(ack, talk.acked[side] or 1)
        if kind != "lost":
            talk.send(side, seq, payload, ack=ack)
    end = chance.choice(["none", "fin", "rst"])
    if end == "fin":
        talk.farewell(edges[0], edges[1])
    elif end == "rst":
        talk.server(edges[1], ack=chance.randrange(1, edges[0] + 1), flags=RST)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_missing_stands_where_tshark_has_it(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    frames: list[Frame] = []
    for number in range(STREAMS):
        lossy(chance, number, frames)
    path = tmp_path / "lossy.pcap"
    write_pcap(path, frames)
    mine = ours(path)
    assert len(mine) == STREAMS * len(FORMS)
    assert mine == theirs(path, sorted(mine))
    lost = [one for one in mine.items() if b"missing in capture file" in one[1]]
    assert len(lost) > 10
