"""What the preset ``linux`` makes of small segments, FINs and urgent pointers.

Each conversation was seen to end so with a running kernel (tests/kernel).
"""

import gc
import tracemalloc
from typing import Any

import pytest

from tests.builder import ACK, FIN, URG
from tests.talk import CLIENT, Talk, Told
from unpacket import Policy, Rejected, Urgent

LINUX = Policy.preset("linux")


def talk() -> Talk:
    conversation = Talk(LINUX)
    conversation.handshake()
    return conversation


@pytest.mark.parametrize(
    ("segments", "read"),
    [
        pytest.param(
            [(4, b"AAAA"), (8, b"BBBB"), (4, b"XXXXXXXX"), (0, b"zzzz")],
            b"zzzzAAAABBBB",
            id="two small neighbours are one segment, which is no shorter",
        ),
        pytest.param(
            [(1000, b"A" * 1460), (2460, b"B" * 1460), (1000, b"X" * 2920)],
            b"X" * 2920,
            id="behind a full segment is no room for another",
        ),
        pytest.param(
            [(1000, b"A" * 1460), (2460, b"B" * 164), (1000, b"X" * 1624)],
            b"A" * 1460 + b"B" * 164,
            id="behind a full segment is room for 164 bytes",
        ),
        pytest.param(
            [(1000, b"A" * 1460), (2460, b"B" * 165), (1000, b"X" * 1625)],
            b"X" * 1625,
            id="and for no more",
        ),
        pytest.param(
            [(8, b"BBBB"), (4, b"AAAA"), (4, b"XXXXXXXX"), (0, b"zzzz")],
            b"zzzzXXXXXXXX",
            id="nothing is put before a neighbour",
        ),
        pytest.param(
            [(3, b"d"), (1, b"bb"), (3, b"XX"), (0, b"a")],
            b"abbXX",
            id="the last one first, where it touches",
        ),
    ],
)
def test_who_wins(segments: list[tuple[int, bytes]], read: bytes) -> None:
    conversation = talk()
    for offset, payload in segments:
        conversation.client(offset, payload)
    if segments[-1][0]:
        conversation.client(0, b"." * 1000)
        read = b"." * 1000 + read
    assert conversation.bytes_of(CLIENT) == read


@pytest.mark.parametrize(
    ("segments", "read", "finished"),
    [
        pytest.param(
            [(8, b"", FIN), (8, b"XXXX", 0), (0, b"AAAA", 0), (4, b"BBBB", 0)],
            b"AAAABBBBXXXX",
            False,
            id="a longer segment from the same place removes a FIN for good",
        ),
        pytest.param(
            [(6, b"", FIN), (0, b"AAAA", 0), (4, b"BBBB", 0), (8, b"CC", 0)],
            b"AAAABBBBCC",
            False,
            id="data in order goes on beyond a FIN that waits",
        ),
        pytest.param(
            [(6, b"", FIN), (0, b"AAAAAA", 0), (6, b"BB", 0)],
            b"AAAAAA",
            True,
            id="data in order that ends where a FIN waits lets it take effect",
        ),
        pytest.param(
            [(4, b"BBBB", FIN), (4, b"XXXXYYYY", FIN), (0, b"AAAA", 0)],
            b"AAAAXXXXYYYY",
            True,
            id="the longer of two segments with a FIN",
        ),
        pytest.param(
            [(6, b"QQ", FIN), (4, b"BBBBCCCC", 0), (0, b"AAAA", 0)],
            b"AAAABBBBCCCC",
            False,
            id="a FIN goes with its segment, where another covers it",
        ),
        pytest.param(
            [(1, b"", FIN), (2, b"jjj", FIN), (0, b"0", 0)],
            b"0jjj",
            True,
            id="what is put behind a FIN is read in its place",
        ),
        pytest.param(
            [(0, b"AAAA", FIN), (4, b"BBBB", 0), (2, b"CCCC", 0)],
            b"AAAA",
            True,
            id="nothing comes after a FIN",
        ),
    ],
)
def test_when_a_fin_takes_effect(
    segments: list[tuple[int, bytes, int]], read: bytes, finished: bool
) -> None:
    conversation = talk()
    told: Told = []
    for offset, payload, flags in segments:
        told += conversation.client(offset, payload, flags=ACK | flags)
    told += conversation.wait(LINUX.close_grace_s)
    assert conversation.bytes_of(CLIENT) == read
    assert (("finished", "client") in told) is finished


def test_what_waits_behind_a_fin_is_rejected_when_it_takes_effect() -> None:
    conversation = talk()
    conversation.client(8, b"late", flags=ACK)
    conversation.client(4, b"BB", flags=ACK | FIN)
    conversation.client(0, b"AAAA")
    conversation.wait(LINUX.close_grace_s)
    assert conversation.bytes_of(CLIENT) == b"AAAABB"
    rejected = [one for one in conversation.events if isinstance(one, Rejected)]
    assert [(one.reason, one.offset, one.payload) for one in rejected] == [
        ("after_fin", 8, b"late")
    ]
    assert conversation.stream.counts(CLIENT)["rejected_bytes"] == 4


def urgents(conversation: Talk) -> list[tuple[int, bytes]]:
    return [
        (one.offset, one.payload)
        for one in conversation.events
        if isinstance(one, Urgent)
    ]


@pytest.mark.parametrize(
    ("segments", "read", "apart"),
    [
        pytest.param(
            [(0, b"AAAA", None), (4, b"XYZW", 2), (8, b"C", None)],
            b"AAAAXZWC",
            [(5, b"Y")],
            id="the byte before the pointer",
        ),
        pytest.param(
            [(0, b"XYZW", 0)], b"YZW", [(0, b"X")], id="pointer 0 is the first byte"
        ),
        pytest.param(
            [(0, b"ABCD", 6), (4, b"XYZW", None)],
            b"ABCDXZW",
            [(5, b"Y")],
            id="a byte that comes later",
        ),
        pytest.param(
            [(4, b"XYZW", 2), (0, b"ABCD", None)],
            b"ABCDXZW",
            [(5, b"Y")],
            id="out of order",
        ),
        pytest.param(
            [(4, b"XYZW", 2), (0, b"ABCDefgh", None)],
            b"ABCDegh",
            [(5, b"f")],
            id="whichever copy fills it",
        ),
        pytest.param(
            [(0, b"", 3), (0, b"ABCD", None)], b"ABD", [(2, b"C")], id="of a bare ACK"
        ),
        pytest.param(
            [(0, b"ABCD", 4), (4, b"EFGH", 1)],
            b"ABCFGH",
            [(3, b"D"), (4, b"E")],
            id="one after the other",
        ),
        pytest.param(
            [(0, b"ABCD", 9), (4, b"EFGH", 2), (8, b"I", None)],
            b"ABCDEFGH",
            [(8, b"I")],
            id="the farther one of two that are still to come",
        ),
        pytest.param([(0, b"A", 1)], b"", [(0, b"A")], id="all that there is"),
    ],
)
def test_an_urgent_byte_is_apart_from_the_stream(
    segments: list[tuple[int, bytes, Any]], read: bytes, apart: list[tuple[int, bytes]]
) -> None:
    conversation = talk()
    for offset, payload, pointer in segments:
        if pointer is None:
            conversation.client(offset, payload)
        else:
            conversation.client(offset, payload, flags=ACK | URG, urgent=pointer)
    assert conversation.bytes_of(CLIENT) == read
    assert urgents(conversation) == apart


def test_an_urgent_byte_waits_for_its_acknowledgement() -> None:
    conversation = Talk(LINUX, deliver="acked")
    conversation.handshake()
    conversation.client(0, b"ABCD", flags=ACK | URG, urgent=2)
    assert not conversation.bytes_of(CLIENT) and not urgents(conversation)
    conversation.server(0, ack=1)
    assert conversation.bytes_of(CLIENT) == b"A" and not urgents(conversation)
    conversation.server(0, ack=4)
    assert conversation.bytes_of(CLIENT) == b"ACD"
    assert urgents(conversation) == [(1, b"B")]


def test_by_default_an_urgent_byte_is_in_the_stream() -> None:
    conversation = Talk()
    conversation.handshake()
    conversation.client(0, b"ABCD", flags=ACK | URG, urgent=2)
    assert conversation.bytes_of(CLIENT) == b"ABCD"
    assert not urgents(conversation)


def test_hidden_segments_are_bounded_by_those_that_are_seen() -> None:
    """Segments hide behind one that goes on over them, and cost no more than it."""
    conversation = talk()
    empty = conversation.assembler.memory_bytes
    for start in range(1000, 7000, 200):
        conversation.client(start, b"a")
        for offset in range(start + 2, start + 100, 2):
            conversation.client(offset, b"h")
        conversation.client(start + 1, b"b" * 99)
    held = conversation.assembler.memory_bytes - empty
    groups = 30
    # Of 100 bytes each is a piece, and every other one has a buffer.
    assert held < groups * (100 + 100 * 160 + 50 * 112) + 1000


def test_a_stream_that_is_dropped_leaves_nothing() -> None:
    def drop() -> None:
        conversation = talk()
        for offset in range(1, 2000, 2):
            conversation.client(offset, b"x")

    drop()
    gc.collect()
    tracemalloc.start()
    for _ in range(3):
        drop()
    gc.collect()
    left, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert left < 100_000


def test_what_is_held_costs_memory_until_it_is_read() -> None:
    conversation = talk()
    empty = conversation.assembler.memory_bytes
    for offset in range(1, 400, 2):
        conversation.client(offset, b"x")
    assert conversation.assembler.memory_bytes > empty + 200 * 160
    conversation.client(0, b"." * 400)
    assert conversation.assembler.memory_bytes < empty + 2000
