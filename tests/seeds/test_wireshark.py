"""What Wireshark's tests of Follow TCP Stream ask for, where its answer is true.

Wireshark writes text where bytes are missing, prints nothing beyond a hole that
nobody acknowledged, and takes the payload of an RST for data; a truthful tool has
gaps, all the bytes that were captured, and no diagnostics among them.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.builder import ACK, FIN, RST, Conversation, write_pcap
from unpacket import Policy, streams
from unpacket.faces.iterate import Chunk, WholeStream

WIRESHARK = Policy.preset("wireshark")


def whole(talk: Conversation, policy: Policy = WIRESHARK) -> WholeStream:
    with TemporaryDirectory() as folder:
        path = Path(folder, "talk.pcap")
        write_pcap(path, talk)
        (stream,) = streams(path, policy=policy)
    return stream


def told(stream: WholeStream) -> list[Any]:
    """Return the payloads and, for gaps, lengths and reasons, in order."""
    return [
        item.payload if isinstance(item, Chunk) else (item.length, item.reason)
        for item in stream.conversation()
    ]


def talking() -> Conversation:
    talk = Conversation()
    talk.handshake()
    return talk


W1: list[int | tuple[int, bytes]] = [
    (1, b"GET / HTTP/1.1\r\n"),
    (17, b"Host:localhost\r\n"),
    (49, b"X-Swapped: 2nd\r\n"),
    (33, b"X-Swapped: 1st\r\n"),
    65,
    (65, b"X-Overlap-Packet"),
    (65, b"X-Overlap-IGNORE"),
    (65, b"X-BADOVERLAPHEAD: extra data--\r\n"),
    97,
    (113, b"his is delayed\r\n"),
    (161, b"X-OoO-Overlap3:e"),
    (161, b"X-OoO-Overlap3:extend fragment\r\n"),
    (97, b"X-OoO-Overlap: t"),
    (129, b"X-OoO-Overlap2: second delayed\r\n"),
    (225, b"X-Missing-But-Acked-Previous:1\r\n"),
    257,
    (287, b"\r"),
    (273, b":"),
    (289, b"X-Missing-3-Out-Of-5-But-ACK:Y\r\n"),
    321,
    (321, b"\r\n"),
    323,
]


def w1() -> Conversation:
    talk = Conversation(("10.0.0.1", 32323), step_ns=1000)
    talk.handshake()
    for step in W1:
        if isinstance(step, int):
            talk.server(1, ack=step)
        else:
            talk.client(*step)
    return talk


def test_w1_bad_segments() -> None:
    stream = whole(w1())
    items = [
        (item.frame, len(item.payload)) if isinstance(item, Chunk) else item.length
        for item in stream.conversation()
    ]
    assert items == [
        *[(4, 16), (5, 16), (7, 16), (6, 16), (9, 16), (11, 16), (16, 16), (13, 16)],
        *[(17, 32), (14, 16), (15, 16), 32, (18, 32), 16, (21, 1), 13, (20, 1), 1],
        *[(22, 32), (24, 2)],
    ]
    assert {gap.reason for gap in stream.client_gaps} == {"not_captured"}
    assert stream.data(0, gaps="join") == (
        b"GET / HTTP/1.1\r\nHost:localhost\r\nX-Swapped: 1st\r\nX-Swapped: 2nd\r\n"
        b"X-Overlap-Packet: extra data--\r\nX-OoO-Overlap: this is delayed\r\n"
        b"X-OoO-Overlap2: second delayed\r\nX-OoO-Overlap3:extend fragment\r\n"
        b"X-Missing-But-Acked-Previous:1\r\n:\rX-Missing-3-Out-Of-5-But-ACK:Y\r\n\r\n"
    )
    kept = [(item.kept, item.other) for item in stream.conflict_events]
    # The bytes around these agree.
    assert kept == [(b"Packet", b"IGNORE"), (b"Overlap-Packet", b"BADOVERLAPHEAD")]


def test_w21_a_hole_that_nobody_acknowledged() -> None:
    talk = talking()
    talk.client(1, b"one")
    talk.client(10, b"TWO")
    talk.server(1, ack=4)
    talk.client(20, b"end")
    assert told(whole(talk)) == [
        b"one",
        (6, "unacknowledged"),
        b"TWO",
        (7, "unacknowledged"),
        b"end",
    ]


def test_w22_a_hole_that_was_acknowledged() -> None:
    talk = talking()
    talk.client(1, b"one")
    talk.client(10, b"TWO")
    talk.server(1, ack=4)
    talk.server(1, b"srv", ack=13)
    talk.client(4, b"-late-")
    stream = whole(talk)
    assert told(stream) == [b"one", (6, "not_captured"), b"TWO", b"srv"]
    assert stream.counts[0]["seen_bytes"] == 12
    assert stream.counts[0]["delivered_bytes"] == 6


def test_w23_the_first_packet_comes_from_the_server() -> None:
    talk = Conversation()
    talk.server(1, b"answer", ack=1)
    talk.client(1, b"ask", ack=7, flags=ACK)
    stream = whole(talk)
    assert (stream.role_evidence, stream.server.port) == ("port", 80)
    assert stream.server_data == b"answer"
    assert stream.client_data == b"ask"


def test_w24_overlaps() -> None:
    talk = talking()
    for seq, payload in [
        (1, b"abc"),
        (1, b"XYZdef"),
        (10, b"jkl"),
        (10, b"JKLmno"),
        (7, b"ghi"),
    ]:
        talk.client(seq, payload)
    stream = whole(talk)
    assert told(stream) == [b"abc", b"def", b"ghi", b"jkl", b"mno"]
    kept = [(conflict.kept, conflict.other) for conflict in stream.conflict_events]
    assert kept == [(b"abc", b"XYZ"), (b"jkl", b"JKL")]


def test_w25_wrap() -> None:
    talk = Conversation(client_isn=(1 << 32) - 16)
    talk.handshake()
    talk.client(1, b"0123456789")
    talk.client(17, b"efgh")
    talk.client(11, b"abcdef")
    assert told(whole(talk)) == [b"0123456789", b"abcdef", b"efgh"]


def test_w26_snap_length() -> None:
    talk = talking()
    talk.client(1, b"A" * 20, captured=8)
    talk.client(21, b"B" * 5)
    talk.client(36, b"D" * 20, captured=8)
    talk.client(26, b"C" * 10, captured=8)
    talk.client(56, b"E" * 3)
    talk.server(1, ack=59)
    assert told(whole(talk)) == [
        b"A" * 8,
        (12, "truncated"),
        b"B" * 5,
        b"C" * 8,
        (2, "truncated"),
        b"D" * 8,
        (12, "truncated"),
        b"EEE",
    ]


def test_w27_probes_and_the_payload_of_an_rst() -> None:
    talk = talking()
    talk.client(1, b"hello")
    talk.server(1, ack=6, window=0)
    talk.client(6, b"P")
    talk.server(1, ack=6, window=0)
    talk.server(1, ack=6, window=4096)
    talk.client(6, b"PQRS")
    talk.server(1, ack=10)
    talk.client(9, b"S")
    talk.client(10, b"rstdata", flags=RST)
    stream = whole(talk)
    assert stream.client_data == b"helloPQRS"
    assert stream.close_reason == "rst"
    assert stream.client_gaps == []


HTTP = [
    *[(1, 38), (39, 2), (60, 1), (41, 2), (41, 2), (43, 17), (61, 1), (62, 38)],
    *[(106, 38), (100, 6), (144, 5), (149, 128), (278, 5), (283, 5), (277, 1)],
]


@pytest.mark.parametrize(
    ("parts", "length", "last_frame"),
    [
        pytest.param(HTTP, 287, 18, id="http-ooo"),
        pytest.param([(2, 57), (1, 1)], 58, 5, id="dns-ooo"),
        pytest.param(
            [(41, 2), (1, 38), (1, 38), (39, 2), (43, 2), (1, 38)],
            44,
            8,
            id="http-ooo2",
        ),
    ],
)
@pytest.mark.parametrize("policy", [WIRESHARK, Policy()], ids=["wireshark", "default"])
def test_out_of_order(
    parts: list[tuple[int, int]], length: int, last_frame: int, policy: Policy
) -> None:
    payload = bytes(n % 251 for n in range(length))
    talk = talking()
    for seq, size in parts:
        talk.client(seq, payload[seq - 1 : seq - 1 + size])
    talk.client(1 + length, flags=FIN)
    stream = whole(talk, policy)
    assert stream.client_data == payload
    assert stream.client_gaps == []
    last = list(stream.chunks)[-1]
    assert last.offset + len(last.payload) == length
