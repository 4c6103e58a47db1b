"""The preset ``linux`` gives what the models of the kernel say, on any machine."""

import random

import pytest

from tests import builder
from tests.builder import ACK, SYN
from tests.kernel.comparison import Played, model_outcome, packets, reassembled
from tests.kernel.device import KERNEL_END, PORT
from tests.kernel.generators import KINDS
from tests.kernel.peer import Connection, Wire

ISN = 3_000_000_000


class Silence(Wire):
    """A wire to a host that shakes hands, and never says anything else."""

    def __init__(self) -> None:
        self.frames = []
        self._now_ns = builder.START_NS

    def send(self, packet: bytes) -> list[bytes]:
        self._record(packet)
        header = packet[-20:]
        if not header[13] & SYN:
            return []
        version = packet[0] >> 4
        client = connection_of(version, header)
        server = (KERNEL_END[version], PORT)
        ack = int.from_bytes(header[4:8], "big") + 1
        segment = builder.tcp(server, client, ISN, ack=ack, flags=SYN | ACK)
        answer = builder.ip(server[0], client[0], segment)
        self._record(answer)
        return [answer]


def connection_of(version: int, header: bytes) -> tuple[str, int]:
    """Return the client whose SYN this is: the first that ``Connection`` makes."""
    port = int.from_bytes(header[:2], "big")
    return ("10.9.1.2" if version == 4 else "fd09::2", port)


@pytest.mark.parametrize(
    "kind", ["overlaps", "overlapping_fins", "full_sized_overlaps", "fragments"]
)
def test_the_preset_gives_what_the_model_says(kind: str) -> None:
    rng = random.Random(4)
    wire = Silence()
    played = []
    for number in range(400):
        sequence = KINDS[kind](rng)
        connection = Connection(wire, sequence.version, number, sequence.isn)
        wire.send(connection.packet(connection.segment(0)))
        for step in sequence.steps:
            for packet in packets(sequence, connection, step):
                wire.send(packet)
        outcome = model_outcome(sequence)
        played.append(Played(sequence, connection.client, outcome, wire.frames))
    given = reassembled(played)
    for one, outcome in zip(played, given, strict=True):
        assert outcome == one.outcome, one.sequence
