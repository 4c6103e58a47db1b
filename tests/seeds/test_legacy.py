"""What the tests of libtins' legacy ``TCPStreamFollower`` ask for."""

import pytest

from tests.builder import FIN, Conversation
from tests.seeds.following import TEXT, Following
from unpacket import Policy

LIBTINS = Policy.preset("libtins")
# A capture of 20 packets: 0-2 the handshake; the seq and length of the client's
# data at 3, 5, 7, ..., each acknowledged by the packet after it; 17-19 the farewell.
SENT = [(1, 381), (382, 381), (763, 1), (764, 1), (765, 454), (1219, 513), (1732, 566)]


def capture() -> Conversation:
    talk = Conversation(("127.0.0.1", 41848), ("127.0.0.1", 3000))
    talk.handshake()
    for seq, length in SENT:
        talk.client(seq, TEXT[seq - 1 : seq - 1 + length])
        talk.server(1, ack=seq + length)
    talk.farewell(1 + len(TEXT), 1)
    return talk


@pytest.mark.parametrize(
    "order",
    [
        pytest.param([], id="T1"),
        pytest.param([5, 4], id="T2"),
        pytest.param([5, 3, 4], id="T3"),
        pytest.param([5, 3, 4, *range(6, 12), 13, 15, 14, 12], id="T4"),
        pytest.param([5, 3, 4, *range(6, 11), 15, 13, 11, 14, 12], id="T5"),
    ],
)
def test_orders(order: list[int]) -> None:
    frames = capture().frames
    assert len(frames) == 20
    if order:
        first, stop = min(order), max(order) + 1
        assert sorted(order) == list(range(first, stop))
        frames[first:stop] = [frames[index] for index in order]
    following = Following(LIBTINS)
    following.feed(frames)
    assert following.told("closed") == ["fin"]
    assert following.payload("client") == TEXT
    assert following.payload("server") == b""


T6 = [(2, b"EST123"), (8, b"456"), (1, b"TEST1234"), (11, b"7890")]
T7 = [(1, b"TEST1"), (1, b"TEST12"), (1, b"TEST1234567890")]
T8 = [(3, b"ST123"), (2, b"EST12"), (1, b"TEST1"), (8, b"4567890")]
T9 = [(3, b"ST123"), (1, b"TEST1"), (8, b"4567890")]
T10 = [(1, b"TEST1"), (1, b"TEST1234567890")]


@pytest.mark.parametrize(
    ("isn", "parts"),
    [
        pytest.param(1000, T6, id="T6"),
        pytest.param(1000, T7, id="T7"),
        pytest.param(4294967292, T8, id="T8"),
        pytest.param(4294967292, T9, id="T9"),
        pytest.param(1000, T10, id="T10"),
    ],
)
@pytest.mark.parametrize("fin_seq", [5, 15])
def test_overlaps(isn: int, parts: list[tuple[int, bytes]], fin_seq: int) -> None:
    talk = Conversation(client_isn=isn)
    talk.handshake()
    for seq, payload in parts:
        talk.client(seq, payload)
    talk.server(1, ack=fin_seq)
    talk.client(fin_seq, flags=FIN)
    # The FIN of T6 lies below what it has sent: it must not cost a byte.
    following = Following(LIBTINS).follow(talk)
    assert following.payload("client") == b"TEST1234567890"
    assert following.told("gap") == following.told("conflict") == []
