"""What pcap_tcp_assembler's own tests ask for; a loss comes before what follows it."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.builder import FIN, RST, SYN, Conversation
from unpacket import Direction, FollowedStream, Policy, Puller

PTA = Policy.preset("pcap-tcp-assembler")
TOP = (1 << 32) - 1

Choose = Callable[[bytes], int]


class Pulling:
    """A consumer that ``choose`` decides for, and what it was told."""

    def __init__(
        self, choose: Choose = len, bound: int = 131072, **changes: Any
    ) -> None:
        policy = PTA.replace(max_held_bytes=bound, max_held_span_bytes=bound, **changes)
        self.choose = choose
        self.puller = Puller(self.take, self.lose, policy=policy)
        self.told: list[tuple[Any, ...]] = []
        self.offers = 0

    def take(self, _: FollowedStream, direction: Direction, view: memoryview) -> int:
        self.offers += 1
        taken = self.choose(bytes(view))
        if taken:
            self.told.append((str(direction), bytes(view[:taken])))
        return taken

    def lose(self, _: FollowedStream, side: Direction, lost: int, why: str) -> None:
        self.told.append((str(side), lost, why))

    def follow(self, talk: Conversation | list[Any]) -> list[tuple[Any, ...]]:
        self.puller.feed(talk.packets if isinstance(talk, Conversation) else talk)
        self.puller.finish()
        return self.told

    @property
    def payload(self) -> bytes:
        return b"".join(item[1] for item in self.told if len(item) == 2)


def client(parts: list[tuple[int, bytes]]) -> Conversation:
    """Client segments without a handshake, by their numbers on the wire."""
    talk = Conversation(("192.168.1.1", 1000), ("192.168.1.2", 80))
    for seq, payload in parts:
        talk.client(seq, payload, ack=1, raw=True)
    return talk


def test_p12_without_a_syn() -> None:
    assert Pulling().follow(client([(1, b"0123456789")])) == [("client", b"0123456789")]


def test_p13_one_offer_a_segment() -> None:
    pulling = Pulling()
    pulling.follow(client([(10 * n, b"%010d" % n) for n in range(999)]))
    assert pulling.told == [("client", b"%010d" % n) for n in range(999)]


@pytest.mark.parametrize("size", [1, 13, 500, 1460, 5000, 14610])
def test_p14_p15_whole_messages(size: int) -> None:
    count = max(1, 131070 // size) if size > 100 else 100
    payload = b"".join(bytes([n % 251]) * size for n in range(count))
    parts = [(n, payload[n : n + 1460]) for n in range(0, len(payload), 1460)]
    pulling = Pulling(lambda waiting: len(waiting) // size * size)
    pulling.follow(client(parts))
    assert pulling.payload == payload
    assert all(len(item) == 2 and len(item[1]) % size == 0 for item in pulling.told)


def test_p16_duplicates() -> None:
    parts = [(0, b"0123456789"), (0, b"0123456789"), (10, b"abc"), (10, b"abc")]
    assert Pulling().follow(client(parts)) == [
        ("client", b"0123456789"),
        ("client", b"abc"),
    ]


@pytest.mark.parametrize("late", [b"abc", b"xyz"])
def test_p16_channels(late: bytes) -> None:
    """What channel 2 has is not even looked at: it may be anything."""
    talk = client([(0, b"0123456789"), (0, b"0123456789"), (10, b"abc"), (10, late)])
    logged = [(*packet, 1 + n % 2) for n, packet in enumerate(talk.packets)]
    pulling = Pulling(channel="interface")
    assert pulling.follow(logged) == [
        ("client", b"0123456789"),
        ("client", b"abc"),
    ]
    assert pulling.offers == 2
    assert pulling.puller.follower.assembler.other_channel == 2


def test_p17_p18_wrap() -> None:
    parts = [(TOP - 15, b"a" * 10), (TOP - 5, b"b" * 10), (4, b"c" * 10)]
    pulling = Pulling()
    pulling.follow(client(parts))
    assert [item[1] for item in pulling.told] == [b"a" * 10, b"b" * 10, b"c" * 10]
    whole = Pulling(lambda waiting: len(waiting) // 30 * 30)
    assert [len(item[1]) for item in whole.follow(client(parts))] == [30]
    assert whole.offers == 3


def test_p19_what_was_refused_is_offered_at_the_end() -> None:
    pulling = Pulling(lambda waiting: 0)
    pulling.puller.feed(client([(65546, b"0123456789")]).packets)
    pulling.choose = len
    pulling.puller.finish()
    assert pulling.told == [("client", b"0123456789")]


@pytest.mark.parametrize("flags", [RST, FIN, SYN])
def test_p22_p24_the_end_drains_the_client_first(flags: int) -> None:
    pulling = Pulling(lambda waiting: 0)
    talk = Conversation()
    talk.handshake()
    talk.server(1, b"s" * 10)
    talk.client(1, b"c" * 10)
    pulling.puller.feed(talk.packets)
    pulling.choose = len
    seq = 700_000 if flags == SYN else 11
    talk.client(seq, flags=flags)
    if flags == FIN:
        talk.server(11, ack=12, flags=FIN)
    pulling.puller.feed(talk.packets[5:])
    pulling.puller.finish()
    assert pulling.told == [("client", b"c" * 10), ("server", b"s" * 10)]


def test_p25_a_loss_comes_before_what_follows_it() -> None:
    parts = [(100, b"01234"), (110, b"abcde"), (115, b"fghij"), (120, b"klmno")]
    pulling = Pulling(bound=20)
    pulling.follow(client([*parts, (125, b"pqrst")]))
    assert pulling.told[:2] == [("client", b"01234"), ("client", 5, "limit")]
    assert pulling.payload == b"01234abcdefghijklmnopqrst"


def test_p26_out_of_order() -> None:
    pulling = Pulling()
    pulling.follow(client([(100, b"01234"), (110, b"abcde"), (105, b"56789")]))
    assert pulling.told == [("client", b"01234"), ("client", b"56789abcde")]


def test_p27_the_next_message() -> None:
    def messages(waiting: bytes) -> int:
        return len(waiting) if waiting.startswith(b"MSG") else 0

    pulling = Pulling(messages, bound=40)
    parts = [(100, b"xxxxxMSG1"), (109, b"xxxxxxxxxxMSG2......"), (129, b"MSG3" * 3)]
    pulling.follow(client(parts))
    assert pulling.told[1] == ("client", 5, "skipped")
    assert pulling.payload == (b"xxxxxMSG1xxxxxxxxxxMSG2......" + b"MSG3" * 3)[5:]


def test_a_consumer_that_refuses_everything_is_asked_a_bounded_number_of_times() -> (
    None
):
    pulling = Pulling(lambda waiting: 0, bound=10_000)
    payload = bytes(1000)
    pulling.follow(client([(1000 * n, payload) for n in range(20)]))
    assert pulling.payload == b""
    assert sum(item[1] for item in pulling.told) == 20_000
    assert {item[2] for item in pulling.told} == {"skipped"}


def test_it_cannot_take_more_than_there_is() -> None:
    pulling = Pulling()
    pulling.puller = Puller(lambda *_: 11)
    with pytest.raises(ValueError, match="took 11 of 10"):
        pulling.follow(client([(1, b"0123456789")]))


def test_what_is_refused_is_hardly_offered_again() -> None:
    """A consumer that refuses all, behind a hole: each byte costs one offer."""
    pulling = Pulling(lambda _: 0)
    size = 1000
    parts = [(1 + size * n, bytes(size)) for n in range(300) if n != 3]
    pulling.follow(client(parts))
    assert pulling.offers < 1.25 * size * 300
    assert sum(item[1] for item in pulling.told) == size * 300
