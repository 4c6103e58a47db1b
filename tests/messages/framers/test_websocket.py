"""WebSocket: masks, fragments, control frames, compression, what upgrades to it."""

import zlib
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import unpacket
from tests.messages.framers import wire
from tests.messages.framers.tshark import needs_tshark, seen_by_tshark
from tests.messages.framers.wire import Deflater, ws
from tests.messages.halves import Turn, events_of, items_of, messages_of
from tests.shared import shared_path
from unpacket.messages import Layer, Message, Skipped
from unpacket.messages.framers.deflate import Inflater
from unpacket.messages.framers.registry import http
from unpacket.messages.framers.websocket import WebSocket

KEY = b"\x37\xfa\x21\x3d"


def test_the_examples_of_the_rfc() -> None:
    # RFC 6455 section 5.7, RFC 7692 section 7.2.3.1.
    single = bytes.fromhex("810548656c6c6f")
    masked = bytes.fromhex("818537fa213d7f9f4d5158")
    fragmented = bytes.fromhex("010348656c80026c6f")
    ping = bytes.fromhex("890548656c6c6f")
    compressed = bytes.fromhex("c107f248cdc9c90700")
    again = bytes.fromhex("c105f200110000")
    server = single + fragmented + ping + compressed + again
    found = messages_of([(0, masked), (1, server)], WebSocket())
    assert [(one.kind, one.data) for one in found] == [
        ("text", b"Hello"),
        ("text", b"Hello"),
        ("text", b"Hello"),
        ("ping", b"Hello"),
        ("text", b"Hello"),
        ("text", b"Hello"),
    ]
    assert [one.masked for one in found] == [True] + [False] * 5
    assert [one.compressed for one in found] == [False] * 4 + [True] * 2
    assert not any(one.anomalies for one in found)


@given(
    pieces=st.lists(st.binary(max_size=300), min_size=1, max_size=5),
    keys=st.lists(st.binary(min_size=4, max_size=4), min_size=5, max_size=5),
    holes=st.data(),
)
def test_masks_are_undone_around_holes(
    pieces: list[bytes], keys: list[bytes], holes: st.DataObject
) -> None:
    turns: list[Turn] = []
    expected = b""
    for number, (piece, key) in enumerate(zip(pieces, keys, strict=False)):
        last = number == len(pieces) - 1
        frame = ws(0 if number else 2, piece, fin=last, mask=key)
        head = len(frame) - len(piece)
        start = holes.draw(st.integers(0, len(piece)))
        stop = holes.draw(st.integers(start, len(piece)))
        turns += [(0, frame[: head + start]), (0, stop - start)]
        turns.append((0, frame[head + stop :]))
        expected += piece[:start] + piece[stop:]
    (found,) = messages_of(turns, WebSocket())
    assert found.payload == found.data == expected
    assert found.frame_count == len(pieces)
    assert found.complete == (len(expected) == sum(map(len, pieces)))


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_lengths_of_all_sizes(size: int) -> None:
    (found,) = messages_of([(1, ws(2, bytes(size)))], WebSocket())
    assert (found.data, found.complete) == (bytes(size), True)


def test_a_control_frame_within_a_message_belongs_to_it() -> None:
    frames = ws(1, b"a", fin=False, mask=KEY) + ws(9, b"now", mask=KEY)
    (found,) = messages_of([(0, frames + ws(0, b"b", mask=KEY))], WebSocket())
    assert (found.text, found.controls) == ("ab", [(9, b"now")])


@pytest.mark.parametrize(
    ("side", "frames", "kinds", "anomalies"),
    [
        pytest.param(0, ws(1, b"a"), ["text"], ["not-masked"], id="no mask"),
        pytest.param(1, ws(1, b"a", mask=KEY), ["text"], ["masked"], id="a mask"),
        pytest.param(
            1, ws(0, b"a") + ws(1, b"b"), ["continuation", "text"], ["no-first-frame"],
            id="a continuation of nothing",
        ),
        pytest.param(
            1, ws(1, b"a", fin=False) + ws(2, b"b"), ["text", "binary"],
            ["no-last-frame"], id="a message within a message",
        ),
    ],
)  # fmt: skip
def test_leniencies(
    side: int, frames: bytes, kinds: list[str], anomalies: list[str]
) -> None:
    found = messages_of([(side, frames)], WebSocket())
    assert [one.kind for one in found] == kinds
    assert [name for one in found for name in one.anomalies] == anomalies


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(ws(3, b"a"), id="an opcode that is none"),
        pytest.param(ws(1, b"a", rsv=1), id="a bit of an unknown extension"),
        pytest.param(ws(9, b"a", fin=False), id="a ping in fragments"),
        pytest.param(b"\x89\x7e\0\x7e" + bytes(126), id="a ping that is too long"),
        pytest.param(b"\x82\x7f" + b"\xff" * 8, id="a length beyond 63 bits"),
        pytest.param(b"\x82\x7f\x7f" + b"\xff" * 7, id="a length of 63 bits"),
    ],
)
def test_behind_what_is_no_frame_nothing_is_known(bad: bytes) -> None:
    items = items_of(events_of([(1, ws(1, b"ok") + bad + ws(1, b"no"))]), WebSocket())
    assert [type(item).__name__ for item in items] == ["WebSocketMessage", "Skipped"]


def test_a_close_says_why() -> None:
    (found,) = messages_of([(1, ws(8, b"\x03\xe9going away"))], WebSocket())
    assert (found.close_code, found.summary) == (1001, "close 1001 going away")
    (found,) = messages_of([(1, ws(8, b""))], WebSocket())
    assert (found.close_code, found.summary) == (None, "close")


TEXTS = [b"one two three four", b"one two three four", b"three four one"]


def packed(deflater: Deflater, texts: list[bytes] = TEXTS) -> list[bytes]:
    return [ws(1, deflater.compress(text), compressed=True) for text in texts]


@given(texts=st.lists(st.binary(max_size=500), max_size=6), keeps=st.booleans())
def test_compression_is_undone(texts: list[bytes], keeps: bool) -> None:
    frames = packed(Deflater(keeps), texts)
    framer = WebSocket((True, keeps))
    found = messages_of([(1, b"".join(frames))], framer)
    # In any order of asking.
    assert [one.data for one in reversed(found)] == texts[::-1]
    assert not any(one.anomalies for one in found)


@pytest.mark.parametrize(
    ("extension", "last"),
    [
        pytest.param("permessage-deflate", (b"", ["context-lost"]), id="refers back"),
        pytest.param(
            "permessage-deflate; server_no_context_takeover",
            (TEXTS[2], []),
            id="stands alone",
        ),
    ],
)
def test_a_hole_costs_what_refers_to_it(extension: str, last: Any) -> None:
    asked, answered = wire.upgrade(extension)
    first, second, third = packed(Deflater("no_context" not in extension))
    turns: list[Turn] = [(0, asked), (1, answered), (1, first + second[:3])]
    turns += [(1, 2), (1, second[5:] + third)]
    found = messages_of(turns, http())[2:]
    assert found[0].data == TEXTS[0]
    assert TEXTS[1].startswith(found[1].data)
    assert not found[1].complete
    assert (found[2].data, found[2].anomalies) == last


def test_of_a_large_message_only_the_beginning_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = b"words " * 100_000
    frames = ws(1, text[:70_000], fin=False, mask=KEY) + ws(0, text[70_000:], mask=KEY)
    layer = Layer(WebSocket(), spill_bytes=1 << 16)
    (found,) = layer.feed(events_of([(0, frames)]))
    assert found.facts["text"] == text[: 64 << 10].decode()
    assert found.text == text.decode()
    monkeypatch.setattr("unpacket.messages.framers.websocket.MAX_COMPRESSED_BYTES", 20)
    packed_text = Deflater().compress(bytes(range(256)))
    octets = ws(1, packed_text, compressed=True) + ws(1, packed_text, compressed=True)
    one, two = messages_of([(1, octets)], WebSocket())
    assert (one.data, two.data) == (b"", b"")
    assert (one.anomalies, two.anomalies) == (["too-large"], ["too-large"])


def test_what_is_inflated_is_bounded() -> None:
    inflater = Inflater(max_bytes=1000)
    data = Deflater().compress(bytes(100_000))
    assert inflater.inflate(data, True) == (bytes(1000), "too-large")
    assert inflater.inflate(data, True) == (b"", "context-lost")
    assert Inflater().inflate(b"\xff\xff\xff", True)[1] == "bad-compression"
    whole = zlib.compressobj(wbits=-15)
    last_block = whole.compress(b"last block") + whole.flush()
    assert Inflater().inflate(last_block, True) == (b"last block", None)


def test_bodies_that_are_not_kept_are_no_context() -> None:
    layer = Layer(WebSocket(), bodies=False)
    found = layer.feed(events_of([(1, b"".join(packed(Deflater())))]))
    assert [one.data for one in found] == [b""] * 3
    assert found[0].body_length > 0


def test_an_upgrade_leads_to_messages() -> None:
    asked, answered = wire.upgrade()
    turns: list[Turn] = [(0, asked), (1, answered), (1, ws(1, b"hi"))]
    found = messages_of([*turns, (0, ws(1, b"ho", mask=KEY))], http())
    assert [(one.protocol, one.known_by) for one in found] == [
        ("http", None),
        ("http", None),
        ("websocket", "upgrade"),
        ("websocket", "upgrade"),
    ]
    assert {one.text for one in found[2:]} == {"hi", "ho"}


def test_fragments_without_end_take_no_memory_without_end() -> None:
    from unpacket.messages.framers import websocket

    count = websocket.MAX_FRAMES + 10
    frames = ws(2, b"", fin=False) + ws(0, b"", fin=False) * (count - 2) + ws(0, b"")
    found = messages_of([(1, frames)], WebSocket())
    assert [one.frame_count for one in found] == [websocket.MAX_FRAMES, 10]
    assert found[0].anomalies == ["too-many-frames"]
    pings = ws(2, b"", fin=False) + ws(9, b"x") * 1000 + ws(0, b"")
    (found_one,) = messages_of([(1, pings)], WebSocket())
    assert len(found_one.controls) == websocket.MAX_CONTROLS


@needs_tshark
@pytest.mark.parametrize(
    "capture",
    ["arkime__pcap__websocket.pcap", "zeek__websocket__reply-ping-separate.pcap"],
)
def test_tshark_sees_the_same(capture: str) -> None:
    path = shared_path("captures", "files", capture)
    fields = ("websocket.opcode", "websocket.payload_length")
    opcodes, lengths = seen_by_tshark(path, "websocket", *fields)
    found = [one for one in unpacket.messages(path) if one.protocol == "websocket"]
    assert len(found) > 4
    assert Counter(str(one.opcode) for one in found) == opcodes
    assert Counter(str(len(one.data)) for one in found) == lengths


def test_a_hole_that_hides_a_header_ends_the_half() -> None:
    turns: list[Turn] = [(1, ws(1, b"a")), (1, 2), (1, ws(1, b"b"))]
    items = items_of(events_of(turns), WebSocket())
    assert [type(item) for item in items if not isinstance(item, Message)] == [Skipped]
    assert len(items) == 2
