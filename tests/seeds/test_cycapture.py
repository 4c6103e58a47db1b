"""What cycapture's ``TCPStreamFollower`` promises, kept."""

from typing import Any

import pytest

from tests.builder import Conversation
from tests.seeds.following import TEXT, pieces
from unpacket import FollowedStream, Policy, StreamFollower

LIBTINS = Policy.preset("libtins")


def capture() -> Conversation:
    talk = Conversation()
    talk.handshake()
    for offset, payload in pieces():
        talk.client(1 + offset, payload)
    talk.server(1, ack=1 + len(TEXT))
    talk.farewell(1 + len(TEXT), 1)
    return talk


def test_packets_among_other_things() -> None:
    so_far: list[bytes] = []
    ended: list[FollowedStream] = []
    follower = StreamFollower(
        lambda stream: so_far.append(stream.client_payload),
        ended.append,
        policy=LIBTINS,
    )
    mixed: list[Any] = [5, "no packet", None, object()]
    for packet in capture().packets:
        mixed += [packet, 3.5]
    follower.feed(mixed)
    # Payloads are cumulative, and those handed out earlier stay as they were.
    assert so_far == [TEXT[: start + len(part)] for start, part in pieces()]
    (stream,) = ended
    assert stream.client_payload == TEXT
    assert stream.server_payload == b""
    assert stream.is_finished
    assert stream.id == 0
    assert (stream.client.address, stream.client.port) == ("10.0.0.1", 40000)
    assert follower.ignored_packets == len(mixed) - len(capture())


def test_one_packet_at_a_time_and_nothing() -> None:
    ended: list[bytes] = []
    follower = StreamFollower(
        end_callback=lambda stream: ended.append(stream.client_payload), policy=LIBTINS
    )
    follower.feed(None)
    for packet in capture().packets:
        follower.feed(packet)
    # Without a data callback nobody asked for payloads to be kept.
    assert ended == [b""]


@pytest.mark.parametrize("callbacks", [(5,), (None, 5)])
def test_callbacks_are_callable(callbacks: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match="must be callables"):
        StreamFollower(*callbacks)


def test_an_exception_ends_the_call() -> None:
    def refuse(stream: FollowedStream) -> None:
        raise KeyError(stream.id)

    follower = StreamFollower(refuse, policy=LIBTINS)
    with pytest.raises(KeyError):
        follower.feed(capture().packets)
