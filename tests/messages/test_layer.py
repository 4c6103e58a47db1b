"""The layer under any framer: chunk borders, gaps, ends, and the search for a start."""

import struct
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.messages.cutting import cut_all
from tests.talk import Talk
from unpacket import Direction
from unpacket.messages import (
    Answer,
    Framer,
    Layer,
    Message,
    Skipped,
    message,
    need,
    part,
    refuse,
    tunnel,
    until_end,
)

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER


class Lines(Framer):
    """Lines that end in LF; the last one need not."""

    name = "lines"

    def frame(self, data: bytes, start: int, ended: bool) -> Answer:
        end = data.find(b"\n", start)
        if end < 0:
            return message(len(data) - start) if ended else need()
        return message(end + 1 - start)


class Sized(Framer):
    """A mark, a length of two bytes, and so many bytes."""

    name = "sized"

    def frame(self, data: bytes, start: int, ended: bool) -> Answer:
        if data[start] != 0x7E:
            return refuse()
        if len(data) - start < 3:
            return need(3 - (len(data) - start))
        return message(3 + struct.unpack_from(">H", data, start + 1)[0], head=3)

    def find_start(self, data: bytes, start: int, ended: bool) -> int:
        found = data.find(b"\x7e", start)
        return len(data) if found < 0 else found


def sized(payload: bytes) -> bytes:
    return b"\x7e" + struct.pack(">H", len(payload)) + payload


def talk_of(pieces: list[bytes | int]) -> list[Any]:
    """Return the events of what a client sends; a number is that many bytes lost."""
    talk = Talk()
    talk.handshake()
    at = 0
    for piece in pieces:
        if isinstance(piece, int):
            at += piece
            continue
        for start in range(0, len(piece), 1000):
            talk.client(at + start, piece[start : start + 1000])
        at += len(piece)
        talk.server(0, ack=at)
    return talk.events + talk.assembler.finish()


def shown(items: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if isinstance(item, Skipped):
            found.append(("skipped", item.offset, item.length))
        else:
            assert isinstance(item, Message)
            holes = [(hole.offset, hole.length) for hole in item.holes]
            found.append((item.offset, item.length, item.body, holes, item.complete))
    return found


def read(framer: Framer, events: list[Any], **options: Any) -> list[Any]:
    layer = Layer(framer, **options)
    found = []
    for event in events:
        found += layer.feed([event])
    assert layer.waiting_bytes == 0
    return found


@given(st.lists(st.binary(max_size=40), max_size=12), st.integers(0, 9))
def test_lines_are_those_of_splitlines(lines: list[bytes], seed: int) -> None:
    text = b"\n".join(line.replace(b"\n", b"") for line in lines)
    events = talk_of([text] if text else [])
    wanted = text.split(b"\n")
    wanted = [line + b"\n" for line in wanted[:-1]] + (
        [wanted[-1]] if wanted[-1] else []
    )
    for cut in (
        events,
        list(cut_all(events, Random(seed))),
        list(cut_all(events, None)),
    ):
        found = read(Lines(), cut)
        assert [item.body for item in found] == wanted


def test_a_hole_inside_a_message_of_known_length_costs_its_bytes() -> None:
    first, second = sized(b"a" * 500), sized(b"b" * 5)
    events = talk_of([first[:200], 100, first[300:] + second])
    assert shown(read(Sized(), events)) == [
        (0, 503, b"a" * 400, [(197, 100)], False),
        (503, 8, b"b" * 5, [], True),
    ]


def test_what_looks_like_a_start_behind_a_hole_is_body() -> None:
    first = sized(b"a" * 100 + sized(b"no") * 20)
    events = talk_of([first[:50], 20, first[70:] + sized(b"yes")])
    found = read(Sized(), events)
    assert [(item.offset, item.complete) for item in found] == [
        (0, False),
        (len(first), True),
    ]


def test_a_hole_over_a_length_sends_the_layer_scanning() -> None:
    events = talk_of([sized(b"one"), 10, b"xxxx" + sized(b"two")])
    assert shown(read(Sized(), events)) == [
        (0, 6, b"one", [], True),
        ("skipped", 16, 4),
        (20, 6, b"two", [], True),
    ]


def test_a_hole_over_a_border_ends_the_body_where_it_must_end() -> None:
    first = sized(b"a" * 50)
    events = talk_of([first[:40], 20, b"xx" + sized(b"two")])
    assert shown(read(Sized(), events)) == [
        (0, 53, b"a" * 37, [(37, 13)], False),
        ("skipped", 60, 2),
        (62, 6, b"two", [], True),
    ]


def test_what_was_declared_and_never_came_is_a_hole() -> None:
    found = read(Sized(), talk_of([sized(b"a" * 60000)[:10]]))
    assert shown(found) == [(0, 60003, b"a" * 7, [(7, 59993)], False)]
    assert found[0].holes[0].reason == "not_sent"


def test_bytes_before_the_first_start_are_skipped() -> None:
    events = talk_of([b"noise" + sized(b"one") + b"more" + sized(b"two")])
    assert shown(read(Sized(), events)) == [
        ("skipped", 0, 5),
        (5, 6, b"one", [], True),
        ("skipped", 11, 4),
        (15, 6, b"two", [], True),
    ]


@pytest.mark.parametrize("length", range(1, 30))
def test_every_truncation_is_accounted_for(length: int) -> None:
    text = (sized(b"one") + b"zz" + sized(b"") + sized(b"three") + b"\x7e\0")[:length]
    items = shown(read(Sized(), talk_of([text])))
    covered = [
        item[1:] if item[0] == "skipped" else (item[0], item[1] - missing(item))
        for item in items
    ]
    at = 0
    for offset, observed in covered:
        assert offset == at
        at += observed
    assert at == min(length, len(text))


def missing(item: Any) -> int:
    return sum(length for _, length in item[3])


def test_a_head_beyond_the_bound_is_no_message() -> None:
    class Endless(Framer):
        def frame(self, data: bytes, start: int, ended: bool) -> Answer:
            return message(1) if data[start] == 0x21 else need()

        def find_start(self, data: bytes, start: int, ended: bool) -> int:
            found = data.find(b"!", start)
            return len(data) if found < 0 else found

    layer = Layer(Endless(), max_pending_bytes=5000)
    found = []
    most = 0
    for event in talk_of([b"x" * 20000, b"!"]):
        found += layer.feed([event])
        most = max(most, layer.waiting_bytes)
    assert most <= 5000
    assert shown(found) == [("skipped", 0, 20000), (20000, 1, b"!", [], True)]
    assert layer.settings.over_bounds == 1


def test_a_body_beyond_the_bound_goes_to_a_file() -> None:
    payload = Random(1).randbytes(60000)
    layer = Layer(Sized(), spill_bytes=4096)
    found = []
    most = 0
    for event in talk_of([sized(payload) * 3]):
        found += layer.feed([event])
        most = max(most, layer.settings.budget.used_bytes)
    assert [item.body for item in found] == [payload] * 3
    # Blocks of the file are 16 KiB.
    assert most < 20000
    assert layer.waiting_bytes == 0


def test_bodies_can_go_elsewhere() -> None:
    class Sink:
        def __init__(self) -> None:
            self.said: list[Any] = []

        def write(self, data: bytes) -> None:
            self.said.append(data)

        def hole(self, offset: int, length: int, reason: str) -> None:
            self.said.append((offset, length, reason))

        def close(self) -> None:
            self.said.append("closed")

    sinks: list[Sink] = []

    def sink(_: Message) -> Sink:
        sinks.append(Sink())
        return sinks[-1]

    whole = sized(b"a" * 500)
    (item,) = read(Sized(), talk_of([whole[:200], 100, whole[300:]]), sink=sink)
    assert item.body == b""
    assert item.body_length == 500
    assert sinks[0].said == [
        b"a" * 197,
        (197, 100, "not_captured"),
        b"a" * 203,
        "closed",
    ]


def test_parts_are_one_message_and_a_tunnel_is_none() -> None:
    class Chunks(Framer):
        def frame(self, data: bytes, start: int, ended: bool) -> Answer:
            if data[start] == 0x54:
                return tunnel("other")
            size = data[start] - 48
            return part(1 + size, head=1) if size else message(1, head=1)

    events = talk_of([b"3abc2de0" + b"1x0" + b"Tunnel"])
    items = read(Chunks(), events)
    assert [item.body for item in items[:2]] == [b"abcde", b"x"]
    assert items[2].to_dict()["client"] == [11, 6]


def test_until_the_end_is_whole_only_with_the_end() -> None:
    class Rest(Framer):
        def frame(self, data: bytes, start: int, ended: bool) -> Answer:
            return until_end()

    talk = Talk()
    talk.handshake()
    talk.client(0, b"all")
    assert shown(read(Rest(), talk.events + talk.assembler.finish())) == [
        (0, 3, b"all", [], False)
    ]


def test_a_message_knows_its_packets() -> None:
    talk = Talk()
    talk.handshake()
    whole = sized(b"a" * 10)
    talk.client(0, whole[:2])
    talk.client(2, whole[2:5])
    talk.client(5, whole[5:] + sized(b""))
    first, second = read(Sized(), talk.events + talk.assembler.finish())
    assert first.frames == (4, 6)
    assert first.last_ns - first.time_ns == 2_000_000
    assert second.frames == (6, 6)
    assert first.protocol == "sized"
    assert first.direction is CLIENT


def test_a_framer_that_is_none_is_a_mistake() -> None:
    import unpacket

    with pytest.raises(TypeError, match="Framer"):
        unpacket.messages("none.pcap", object())  # type: ignore[arg-type]
