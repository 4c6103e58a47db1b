"""Streams of TLS that were recorded, with losses and noise, decrypted."""

from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from fuzz.choices import Choices
from tests.messages.cutting import cut_all
from tests.talk import Talk
from unpacket import Closed, Data, Finished, Gap, events, sources
from unpacket.sources.formats.notes import Secrets
from unpacket.tls.decryption import Decryption

CAPTURE = Path(__file__).parents[2] / "examples" / "encrypted.pcapng"

# Of each recording so much is fuzzed: handshakes, and what comes next.
MAX_PACKETS = 24
MAX_NOISE = 40
# A byte at a time it costs some hundred times as much.
HELD_BYTES = 4 << 20


@cache
def recorded() -> tuple[
    list[list[tuple[int, bytes]]], list[Secrets], list[list[bytes]]
]:
    """Return what packets carry, the secrets, and what the streams carry."""
    packets: list[list[tuple[int, bytes]]] = [[], [], []]
    with sources.open(CAPTURE) as source:
        for event in events(source):
            if isinstance(event, Data):
                found = (int(event.direction), event.payload)
                packets[event.stream.id].append(found)
        secrets = list(source.notes.secrets)
    carried = [[bytearray(), bytearray()] for _ in packets]
    for event in events(CAPTURE, keys=()):
        if isinstance(event, Data):
            carried[event.stream.id][event.direction] += event.payload
    whole = [[bytes(side) for side in sides] for sides in carried]
    return packets, secrets, whole


def check(data: bytes) -> None:
    """Decrypt a recording of which the data says what becomes of it."""
    choices = Choices(data)
    packets, secrets, carried = recorded()
    number = choices.byte() % len(packets)
    happened = conversation(choices, packets[number][:MAX_PACKETS])
    wanted = shown(decrypted(happened, secrets), carried[number])
    for random in (Random(data), None):
        cut = list(cut_all(happened, random))
        assert shown(decrypted(cut, secrets), carried[number]) == wanted


def conversation(choices: Choices, packets: list[tuple[int, bytes]]) -> list[Any]:
    """Return the events of packets: some lost, cut, altered, or beside noise."""
    talk = Talk()
    talk.handshake()
    edges = [0, 0]
    for number, (side, payload) in enumerate(packets):
        kind = choices.byte() if choices.more else 0
        if number == 0 and kind & 7 == 4:
            # TLS that begins within a packet is none, and in one that is cut it is.
            kind = 0
        lost = kind & 7 == 1
        if kind & 7 == 2:
            payload = payload[: choices.byte() * 4]
        if kind & 7 == 3 and payload:
            at = choices.byte() * 4 % len(payload)
            payload = payload[:at] + choices.octets(1) + payload[at + 1 :]
        if kind & 7 == 4:
            payload = choices.octets(choices.byte() % MAX_NOISE) + payload
        if payload and not lost:
            talk.send(side, edges[side], payload, ack=edges[1 - side])
        edges[side] += len(payload)
        # The other side says that it came.
        talk.send(1 - side, edges[1 - side], ack=edges[side])
    return talk.events + talk.assembler.finish()


def decrypted(happened: list[Any], secrets: list[Secrets]) -> list[Any]:
    """Return the events that take the place of others; what waits is bounded."""
    decryption = Decryption(held_bytes=HELD_BYTES)
    decryption.attach(secrets)
    found: list[Any] = []
    for event in happened:
        found += decryption.feed([event])
        assert decryption.waiting_bytes <= HELD_BYTES
    found += decryption.finish()
    assert decryption.waiting_bytes == 0
    return found


def shown(found: list[Any], carried: list[bytes]) -> list[Any]:
    """Return what events say, however it is cut; and check the law of events."""
    offsets, ended = [0, 0], False
    sides: list[list[Any]] = [[], []]
    for event in found:
        assert not ended
        if isinstance(event, Data | Gap):
            side = sides[event.direction]
            assert event.offset == offsets[event.direction]
            if isinstance(event, Gap):
                offsets[event.direction] += event.length
                side.append((event.length, event.reason))
            elif side and isinstance(side[-1], bytes):
                side[-1] += event.payload
            else:
                side.append(event.payload)
            if isinstance(event, Data):
                offsets[event.direction] += len(event.payload)
                lengths = sum(piece.length for piece in event.pieces)
                assert lengths == len(event.payload)
        elif isinstance(event, Finished):
            sides[event.direction].append("finished")
        ended = isinstance(event, Closed)
    assert ended
    return sides
