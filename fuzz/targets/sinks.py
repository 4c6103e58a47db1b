"""Whatever streams say can be gathered, written in every form, and read again."""

import io
import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from fuzz.choices import Choices
from fuzz.segments import frames, policy
from tests.captured import drawn
from unpacket import (
    Assembler,
    Batch,
    Closed,
    Data,
    Direction,
    Gap,
    Policy,
    Rejected,
    sources,
)
from unpacket._core.reassembly.payload_gatherer import Gatherer
from unpacket.sinks import split
from unpacket.sinks.render import follow, tshark

# What a terminal may get of a capture: nothing that it would obey.
PRINTABLE = set(range(0x20, 0x7F)) | {0x0A}
# Before it pcapng, read within 63 bits, has no times.
EARLIEST_NS = -((1 << 63) // 10**9) * 10**9
TEXT_FORMS = ("ascii", "ebcdic", "hex")


def check(data: bytes) -> None:
    choices = Choices(data)
    made = frames(choices)
    batch = Batch.from_frames(made)
    check_gathered(made, policy(choices), 1 + choices.byte() % 16)
    assembler = Assembler()
    events = assembler.feed(batch) + assembler.finish()
    streams: dict[int, list[Any]] = {}
    for event in events:
        streams.setdefault(event.stream.id, []).append(event)
    for told in streams.values():
        payload = b"".join(e.payload for e in told if isinstance(e, Data))
        for form in follow.FORMS:
            check_form(form, rendered(follow.renderer(form), told), payload)
        for form in tshark.FORMS:
            rendered(tshark.Tshark(form), told)
        for event in told:
            assert follow.remark(event) or not isinstance(event, Gap | Rejected)
    check_split(made, batch, sorted(streams))


def check_gathered(made: list[Any], chosen: Policy, size: int) -> None:
    """What is gathered of streams is what their events carry."""
    batches = [
        Batch.from_frames(made[at : at + size], at + 1)
        for at in range(0, len(made), size)
    ]
    sides: dict[tuple[int, Direction], bytes] = defaultdict(bytes)
    for event in said(Assembler(chosen), batches):
        if isinstance(event, Data):
            sides[event.stream.id, event.direction] += event.payload
    assembler, gatherer = Assembler(chosen), Gatherer()
    assembler.gather(gatherer)
    for event in said(assembler, batches):
        assert not isinstance(event, Data)
        if isinstance(event, Closed):
            both = drawn(gatherer, event.stream)
            for direction, whole in zip(Direction, both, strict=True):
                assert whole == sides[event.stream.id, direction]
    assert gatherer.waiting_bytes == 0


def said(assembler: Assembler, batches: list[Batch]) -> Iterator[Any]:
    for batch in batches:
        yield from assembler.feed(batch)
    yield from assembler.finish()


def rendered(renderer: Any, told: list[Any]) -> bytes:
    return b"".join(renderer.render(event) for event in told)


def check_form(form: str, written: bytes, payload: bytes) -> None:
    if form == "raw":
        assert written == payload
    elif form == "json":
        for line in written.splitlines():
            json.loads(line)
    elif form in TEXT_FORMS:
        assert set(written) <= PRINTABLE
        for line in written.splitlines():
            assert line[:1] in (b">", b"<", b"*"), line


def check_split(made: list[Any], batch: Batch, ids: list[int]) -> None:
    findings = split.find([batch])
    assert sorted(findings.streams) == ids
    files: dict[int, bytes] = {}
    for stream_id, octets, _ in split.parts([batch], findings):
        files[stream_id] = files.get(stream_id, b"") + bytes(octets)
    assert sorted(files) == ids
    for stream_id, whole in files.items():
        rows = findings.rows()
        there = [made[number - 1] for number, each in rows if each == stream_id]
        with sources.open(io.BytesIO(whole)) as source:
            again = [
                (time_ns, link_type, original, data)
                for part in source
                for _, time_ns, link_type, original, data in map(
                    part.frame, range(len(part))
                )
            ]
        assert source.warnings == []
        assert again == [
            (max(time_ns, EARLIEST_NS), link_type, original, data)
            for time_ns, data, link_type, original in there
        ]
