"""Inspector equals receiver, where the receiver is a program on a real Linux socket.

The random conversations of ``tests.kernel`` go through an engine, packet by packet,
and then into the running kernel. ``UNPACKET_INLINE_COUNT`` says how many of each kind.
"""

import os
import random
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.kernel.comparison import TOGETHER, model_outcome, play_together
from tests.kernel.device import Device, Unavailable
from tests.kernel.generators import KINDS, Sequence, sequences
from tests.kernel.peer import Outcome
from unpacket import Data, Direction, Stream
from unpacket.inline import ACCEPT, DROP, Answer, Arrival, Engine, Packet, Statistics

COUNT = int(os.environ.get("UNPACKET_INLINE_COUNT", "200"))
MS = 1_000_000
# Of the bytes that a program reads without an engine, how many it reads with one at
# least. Datagrams with fragments that overlap are dropped, where Linux begins anew.
SHARES = {"fragments": 0.4}
# What decoys are made of.
DECOY = b"X"


class Sees:
    """Notes what each client sent, and drops what contains ``dropped``."""

    replaces = False

    def __init__(self, dropped: bytes = b"") -> None:
        self.passed: dict[tuple[str, int], bytes] = {}
        self._dropped = dropped

    def inspect(self, arrival: Arrival) -> Answer:
        end = arrival.stream.client
        for event in arrival.events:
            if isinstance(event, Data) and event.direction is Direction.CLIENT:
                if self._dropped and self._dropped in event.payload:
                    return DROP
                before = self.passed.get((end.address, end.port), b"")
                self.passed[end.address, end.port] = before + event.payload
        return ACCEPT

    def ended(self, stream: Stream) -> None:
        """Keep what was noted."""


class Inspected:
    """A device with an engine before it."""

    def __init__(self, device: Device, inspector: Sees) -> None:
        self.engine = Engine(inspector)
        self.listeners = device.listeners
        self._device = device
        self._back: list[bytes] = []
        self._now_ns = 1

    def write(self, packet: bytes) -> None:
        for outcome in self._process(0, packet):
            for forward in outcome[0]:
                self._device.write(forward)
            self._back += outcome[1]

    def answers(self) -> Iterator[bytes]:
        for answer in list(self._device.answers()):
            for forward, back in self._process(1, answer):
                self._back += forward
                for packet in back:
                    self._device.write(packet)
        back, self._back = self._back, []
        yield from back

    def _process(
        self, origin: int, packet: bytes
    ) -> Iterator[tuple[list[bytes], list[bytes]]]:
        self._now_ns += MS
        for outcome in self.engine.process([(origin, Packet(packet))], self._now_ns):
            yield (
                [item.data for item in outcome.forward],
                [item.data for item in outcome.back],
            )


def play(
    kind: str, dropped: bytes = b""
) -> Iterator[tuple[Sequence, Outcome, bytes, Statistics]]:
    """Give for each conversation what the program read, and what the inspector saw."""
    rng = random.Random(1)
    chosen = sequences(7, COUNT, [kind])
    try:
        device = Device()
    except Unavailable as error:
        pytest.skip(str(error))
    with device:
        inspector = Sees(dropped)
        through = Inspected(device, inspector)
        for start in range(0, len(chosen), TOGETHER):
            together = chosen[start : start + TOGETHER]
            played = play_together(through, together, start, rng)  # type: ignore[arg-type]
            for one in played:
                seen = inspector.passed.get(one.client, b"")
                yield one.sequence, one.outcome, seen, through.engine.statistics
        assert not through.engine.statistics.failures


@pytest.mark.parametrize("kind", KINDS)
def test_a_program_reads_what_the_inspector_saw(kind: str) -> None:
    read = without = 0
    statistics = Statistics()
    for sequence, outcome, seen, statistics in play(kind):  # noqa: B007
        assert seen.startswith(outcome.data)
        read += len(outcome.data)
        without += len(model_outcome(sequence).data)
    # One that lets nothing through would be right too.
    assert read > without * SHARES.get(kind, 0.9)
    assert statistics.passed > 2 * COUNT
    # Shown with -s.
    sys.stdout.write(f"{kind}: {read} bytes read, {without} without us, {statistics}\n")


@pytest.mark.parametrize("kind", ["injections"])
def test_a_program_reads_nothing_that_was_dropped(kind: str) -> None:
    read = Counter[bool]()
    for _, outcome, passed, _ in play(kind, DECOY):
        assert passed.startswith(outcome.data)
        assert DECOY not in outcome.data
        read[bool(outcome.data)] += 1
    assert read[True] > COUNT // 3
