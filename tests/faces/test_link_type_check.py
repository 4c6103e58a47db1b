"""Packets of which none makes sense are reported once, with the remedy."""

import asyncio
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

import unpacket
from tests.builder import ETHERNET, RAW, Conversation
from unpacket import StreamFollower
from unpacket.errors import CaptureWarning, LinkTypeWarning


def packets(link_type: int, count: int = 20) -> list[tuple[int, bytes]]:
    talk = Conversation(link_type=link_type)
    talk.handshake()
    for number in range(count):
        talk.client(1 + number, b"x")
    return talk.packets[:count]


def read_events(given: Any, **options: Any) -> None:
    list(unpacket.events(given, **options))


def read_async(given: Any, **options: Any) -> None:
    async def work() -> None:
        async for _ in unpacket.events_async(given, **options):
            pass

    asyncio.run(work())


def follow(given: Any, **options: Any) -> None:
    with StreamFollower(**options) as follower:
        follower.feed(given)


def follow_one_by_one(given: Any, **options: Any) -> None:
    with StreamFollower(**options) as follower:
        for packet in given:
            follower.feed(packet)


FACES = [read_events, read_async, follow, follow_one_by_one]


@pytest.fixture(params=FACES)
def face(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.mark.parametrize("count", [1, 15, 16, 100])
@pytest.mark.parametrize(
    ("begins", "given", "likely"),
    [(RAW, None, "ip"), (ETHERNET, "ip", "ethernet"), (RAW, "sll", "ip")],
)
def test_the_remedy_is_named_once(
    face: Any, begins: int, given: str | None, likely: str, count: int
) -> None:
    options = {} if given is None else {"link_type": given}
    with pytest.warns(LinkTypeWarning, match=f"link_type='{likely}'") as found:
        face(packets(begins, count), **options)
    assert len(found) == 1
    warning: Any = found[0].message
    assert warning.likely == likely
    assert warning.packets == min(count, 16)


def test_whoever_filters_warnings_of_captures_filters_this_one() -> None:
    assert issubclass(LinkTypeWarning, CaptureWarning)


def test_nothing_is_to_be_known_of_noise(face: Any) -> None:
    with pytest.warns(LinkTypeWarning, match="link_type=") as found:
        face([(n, b"\xff" * 60) for n in range(30)])
    assert [one.message.likely for one in found] == [None]  # type: ignore[union-attr]


def arp() -> bytes:
    return bytes(12) + b"\x08\x06" + bytes(28)


def bridge() -> bytes:
    return bytes(12) + b"\x00\x26\x42\x42\x03" + bytes(35)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(packets(ETHERNET), id="right"),
        pytest.param([], id="none"),
        pytest.param([(n, arp()) for n in range(30)], id="no IP but known"),
        pytest.param(
            [(n, bridge()) for n in range(40)] + packets(ETHERNET), id="IP comes late"
        ),
        pytest.param([(0, b""), *packets(ETHERNET, 5)], id="one is damaged"),
    ],
)
def test_what_makes_sense_somewhere_is_not_warned_about(face: Any, given: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        face(given)


def test_a_live_source_is_warned_about_before_it_ends() -> None:
    def endless() -> Iterator[tuple[int, bytes]]:
        (packet,) = packets(RAW, 1)
        while True:
            yield packet

    def seen(given: Iterable[Any]) -> None:
        follower = StreamFollower()
        for _, packet in zip(range(16), given, strict=False):
            follower.feed(packet)

    with pytest.warns(LinkTypeWarning, match="'ip'"):
        seen(endless())


def test_the_warning_has_its_facts() -> None:
    warning = LinkTypeWarning(1, 16, "ip")
    assert warning.args == (1, 16, "ip")
    assert str(warning) == (
        "none of the first 16 packets makes sense with link type 1 (Ethernet); with "
        "link_type='ip' they do"
    )
