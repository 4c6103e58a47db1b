"""Conversations of two halves through the layer, with losses; what must hold."""

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

from tests.builder import ETHERNET
from tests.messages.cutting import cut_all
from tests.talk import Talk
from unpacket import Data
from unpacket.messages import Framer, Layer, Message, Skipped, Tunnel
from unpacket.messages.iterate import apiece
from unpacket.messages.shape import lines_of

# Who sends, and what: bytes, or how many of them are lost.
Turn = tuple[int, bytes | int]
MSS = 1000


def events_of(
    turns: Iterable[Turn], *, handshake: bool = True, port: int = 80, fin: bool = True
) -> list[Any]:
    """Return the events of a connection; the other side acknowledges each turn."""
    talk = Talk(
        conversation={"link_type": ETHERNET, "server": ("10.0.0.2", port)},
    )
    if handshake:
        talk.handshake()
    edges = [0, 0]
    for side, turn in turns:
        size = turn if isinstance(turn, int) else len(turn)
        if not isinstance(turn, int):
            for at in range(0, size, MSS):
                piece = turn[at : at + MSS]
                talk.send(side, edges[side] + at, piece, ack=edges[1 - side])
        edges[side] += size
        talk.send(1 - side, edges[1 - side], ack=edges[side])
    if fin:
        talk.send(0, edges[0], flags=1, ack=edges[1])
        talk.send(1, edges[1], flags=1, ack=edges[0] + 1)
    return talk.events + talk.assembler.finish()


def items_of(events: Iterable[Any], framer: Framer, **options: Any) -> list[Any]:
    """Return the messages, skips and tunnels that a framer makes of events."""
    layer = Layer(framer, exchanges=True, **options)
    found: list[Any] = []
    for event in events:
        found += apiece(layer.feed([event]), True)
    found += apiece(layer.finish(), True)
    assert layer.waiting_bytes == 0
    return found


def messages_of(turns: Iterable[Turn], framer: Framer, **options: Any) -> list[Any]:
    """Return the messages that a framer finds in a connection."""
    items = items_of(events_of(turns, **options), framer)
    return [item for item in items if isinstance(item, Message)]


def shown(items: Iterable[Any]) -> list[str]:
    """Return all that items say, in an order that does not depend on how they came."""
    found = []
    for item in items:
        body = item.body if isinstance(item, Message) else b""
        data = getattr(item, "data", b"")
        found.append(repr((list(lines_of(item)), body, data)))
    return sorted(found)


def check_cuts(events: Sequence[Any], framer: Framer, seed: int) -> list[Any]:
    """Check that no cut changes what comes of events, and return what does."""
    whole = items_of(events, framer)
    wanted = shown(whole)
    assert shown(items_of(cut_all(events, Random(seed)), framer)) == wanted
    assert shown(items_of(cut_all(events, None), framer)) == wanted
    check_partition(events, whole)
    return whole


def check_partition(events: Iterable[Any], items: Iterable[Any]) -> None:
    """Check that each observed byte is in one message, skip or tunnel."""
    left: tuple[set[int], set[int]] = (set(), set())
    for event in events:
        if isinstance(event, Data):
            stop = event.offset + len(event.payload)
            left[event.direction].update(range(event.offset, stop))
    observed = (set(left[0]), set(left[1]))
    for item in items:
        for side, start, stop in ranges_of(item):
            half = side ^ item.swapped
            taken = {at for at in observed[half] if start <= at < stop}
            assert taken <= left[half], item
            left[half].difference_update(taken)
    assert left == (set(), set())


def ranges_of(item: Any) -> list[tuple[int, int, int]]:
    if isinstance(item, Tunnel):
        return [(side, offset, 1 << 62) for side, offset in enumerate(item.offsets)]
    assert isinstance(item, Message | Skipped)
    return [(item.direction, item.offset, item.offset + item.length)]
