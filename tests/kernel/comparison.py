"""The same conversations through the running kernel, the models and unpacket."""

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests import builder
from tests.builder import FIN, Frame
from tests.kernel import fragments, model
from tests.kernel.device import Device
from tests.kernel.generators import Cut, Sequence, Step
from tests.kernel.peer import Connection, Outcome, Wire
from tests.talk import feed_all
from unpacket import Data, Direction, Gap, Policy

# Conversations that go on at the same time.
TOGETHER = 100
A_NAMESPACE = 5_000
# Frames that are fed at once.
A_BATCH = 2_000
CLOCK = 1_000_000


class Played(NamedTuple):
    """A conversation that has been through the kernel.

    Attributes:
        client: Address and port.
        outcome: What the kernel's program saw of it.
        frames: Of all conversations that went on at the same time.
    """

    sequence: Sequence
    client: tuple[str, int]
    outcome: Outcome
    frames: list[Frame]


class Difference(NamedTuple):
    """A conversation of which something else was said than what the kernel did."""

    sequence: Sequence
    kernel: Outcome
    other: Outcome


def play(
    sequences: list[Sequence], seed: int = 0, *, tap: bool = False
) -> Iterator[list[Played]]:
    """Give conversations that the running kernel had, some at the same time.

    ``tap`` is for ``Device``.

    Raises:
        Unavailable: There is no device on this machine.
    """
    rng = random.Random(seed)
    for first in range(0, len(sequences), A_NAMESPACE):
        # A new one forgets the fragments that never became whole.
        with Device(tap=tap) as device:
            some = sequences[first : first + A_NAMESPACE]
            for start in range(0, len(some), TOGETHER):
                together = some[start : start + TOGETHER]
                yield play_together(device, together, start, rng)


def play_together(
    device: Device, sequences: list[Sequence], number: int, rng: random.Random
) -> list[Played]:
    """Return conversations that went on at the same time, through one device."""
    wire = Wire(device)
    connections = []
    for index, sequence in enumerate(sequences):
        options = builder.sack_permitted() + b"\x01\x01" if sequence.sack else b""
        if sequence.timestamps:
            options += b"\x01\x01" + builder.timestamps(CLOCK)
        connection = Connection(
            wire, sequence.version, number + index, sequence.isn, options
        )
        connection.establish(options_of(sequence, connection, Step(0)))
        connections.append(connection)
    turns = [n for n, sequence in enumerate(sequences) for _ in sequence.steps]
    rng.shuffle(turns)
    steps = [iter(sequence.steps) for sequence in sequences]
    for turn in turns:
        sequence, connection = sequences[turn], connections[turn]
        connection.send(packets(sequence, connection, next(steps[turn])))
    frames = wire.take()
    for connection in connections:
        connection.close()
    return [
        Played(sequence, connection.client, connection.outcome, frames)
        for sequence, connection in zip(sequences, connections, strict=True)
    ]


def options_of(sequence: Sequence, connection: Connection, step: Step) -> bytes:
    """Return the TCP options of a step."""
    if not sequence.timestamps or step.timestamp is None:
        return step.options
    value = CLOCK + step.timestamp
    echo = connection.kernel_timestamp
    return b"\x01\x01" + builder.timestamps(value, echo) + step.options


def packets(sequence: Sequence, connection: Connection, step: Step) -> list[bytes]:
    """Return the IP packets that carry a step."""
    segment = connection.segment(
        step.offset,
        step.payload,
        flags=step.flags,
        acked=step.acked,
        window=step.window,
        urgent=step.urgent,
        options=options_of(sequence, connection, step),
    )
    if not step.cuts:
        return [connection.packet(segment)]
    return [
        connection.packet(
            fragment_of(segment, cut),
            fragment_offset=cut.start,
            more_fragments=cut.more,
        )
        for cut in step.cuts
    ]


def fragment_of(segment: bytes, cut: Cut) -> bytes:
    """Return the bytes of a fragment."""
    data = segment[cut.start : cut.stop]
    if not cut.changed:
        return data
    # Each pair of 16-bit words in the other order: the checksum stays the same.
    return b"".join(
        data[n + 2 : n + 4] + data[n : n + 2] if n + 4 <= len(data) else data[n:]
        for n in range(0, len(data), 4)
    )


def modelled(played: list[Played]) -> list[Outcome]:
    """Return what the models say that programs read of overlaps and fragments."""
    return [model_outcome(one.sequence) for one in played]


def model_outcome(
    sequence: Sequence, buffer: model.Buffer = model.Buffer.LINEAR
) -> Outcome:
    """Return what the models say that the program reads of a conversation."""
    receiver = model.Receiver(buffer)
    header = bytes(fragments.TCP_HEADER_BYTES)
    headers = (20 if sequence.version == 4 else 40) + len(header)
    datagram = fragments.Datagram(sequence.version)
    for step in sequence.steps:
        segments = [header + step.payload]
        if step.cuts:
            parts = [
                fragments.Fragment(cut.start, fragment_of(segments[0], cut), cut.more)
                for cut in step.cuts
            ]
            wholes = [datagram.receive(part) for part in parts]
            # The checksum of one that was made shorter is wrong.
            size = len(segments[0])
            segments = [whole for whole in wholes if whole and len(whole) == size]
        for segment in segments:
            payload = segment[len(header) :]
            fin = bool(step.flags & FIN)
            size = headers + len(payload)
            receiver.receive(model.Segment(step.offset, payload, fin, size))
    return Outcome(receiver.read(), "eof" if receiver.finished else "")


def reassembled(played: list[Played]) -> list[Outcome]:
    """Return what unpacket makes of conversations that went on at the same time.

    It is what the client sent up to the first gap; how it ended is not judged.
    """
    frames = played[0].frames
    cuts = range(0, len(frames), A_BATCH)
    events = feed_all(frames, Policy.preset("linux"), cuts)
    data = {one.client: b"" for one in played}
    ended = set()
    for event in events:
        client = event.stream.client
        end = (client.address, client.port)
        match event:
            case Gap(_, Direction.CLIENT):
                ended.add(end)
            case Data(_, Direction.CLIENT, _, payload) if end not in ended:
                data[end] += payload
    return [Outcome(data[one.client], one.outcome.end) for one in played]


Subject = Callable[[list[Played]], list[Outcome]]
SUBJECTS: dict[str, Subject] = {"preset": reassembled, "model": modelled}


def differences(
    sequences: list[Sequence], subject: Subject, seed: int = 0
) -> Iterator[Difference]:
    """Give the conversations of which the subject says other than the kernel did.

    Raises:
        Unavailable: There is no device on this machine.
    """
    for played in play(sequences, seed):
        for one, outcome in zip(played, subject(played), strict=True):
            if outcome != one.outcome:
                yield Difference(one.sequence, one.outcome, outcome)


def smallest(difference: Difference, subject: Subject) -> Difference:
    """Return a difference in as few segments as it takes."""
    sequence = difference.sequence
    index = 0
    while index < len(sequence.steps):
        shorter = sequence.without(index)
        found = next(differences([shorter], subject), None)
        if found is None:
            index += 1
        else:
            difference, sequence = found, shorter
    return difference
