"""Messages and exchanges of a capture, for programs that read to the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from unpacket.messages.framer import Framer
from unpacket.messages.layer import Layer
from unpacket.messages.pairing import Exchange
from unpacket.policy import Policy

if TYPE_CHECKING:
    from unpacket.faces.follower import StreamFollower

# How many exchanges may wait for one that began before them.
REORDERED = 4096
REORDERED_BYTES = 64 << 20

# What the layer takes of the options of the faces; the others are those of `events`.
LAYER_OPTIONS = (
    "bodies",
    "sink",
    "spill_bytes",
    "memory_bytes",
    "max_pending_bytes",
    "max_queued_bytes",
    "max_waiting_bytes",
    "max_unanswered",
)


def layer_options(options: dict[str, Any]) -> dict[str, Any]:
    """Take the options of a layer out of those of a face."""
    return {name: options.pop(name) for name in LAYER_OPTIONS if name in options}


def lists(source: Any, policy: Policy | None, **options: Any) -> Iterator[list[Any]]:
    """Give the events of a capture in lists."""
    from unpacket.faces.reader import Reading

    return Reading(source, policy=policy, data=True, **options).lists()


def messages(
    source: Any,
    framer: Framer,
    *,
    policy: Policy | None = None,
    skipped: bool = True,
    **options: Any,
) -> Iterator[Any]:
    """Give the messages of a capture, as they end.

    Args:
        framer: Where messages begin and end.
        skipped: Whether to give a ``Skipped`` for each range of bytes that belongs to
            no message, before the message behind it, and a ``Tunnel`` at the end of a
            stream that carried one.
        options: Those of ``Layer``, and those of ``unpacket.events``.

    Raises:
        SourceError: The source cannot be read, or is no capture.
    """
    if not isinstance(framer, Framer):
        raise TypeError(f"framer is {framer!r}, and no Framer")
    layer = Layer(framer, **layer_options(options))
    return _messages(layer, lists(source, policy, **options), skipped)


def _messages(
    layer: Layer, happening: Iterable[list[Any]], skipped: bool
) -> Iterator[Any]:
    from unpacket.messages.results import Message

    for events in happening:
        for item in layer.feed(events):
            if skipped or isinstance(item, Message):
                yield item
    for item in layer.finish():
        if skipped or isinstance(item, Message):
            yield item


def http(
    source: Any,
    *,
    policy: Policy | None = None,
    ordered: bool = True,
    others: Callable[[Any], object] | None = None,
    tunnels: dict[str, Framer] | None = None,
    **options: Any,
) -> Iterator[Exchange]:
    """Give the HTTP/1 exchanges of a capture.

    Args:
        ordered: Whether in the order in which they began; then up to 4,096 wait for
            one that began before them. Else as they end.
        others: Called with each ``Skipped`` and ``Tunnel``.
        tunnels: What frames the bytes behind "101" and "CONNECT", by protocol; then
            ``others`` is called with their messages too.
        options: Those of ``Layer``, and those of ``unpacket.events``.

    Raises:
        SourceError: The source cannot be read, or is no capture.
    """
    from unpacket.messages.http.framing import Http

    layer = Layer(Http(tunnels), exchanges=True, **layer_options(options))
    found = _exchanges(layer, lists(source, policy, **options), others)
    return in_order(found) if ordered else found


def _exchanges(
    layer: Layer,
    happening: Iterable[list[Any]],
    others: Callable[[Any], object] | None,
) -> Iterator[Exchange]:
    for events in happening:
        for item in layer.feed(events):
            if type(item) is Exchange:
                yield item
            elif others is not None:
                others(item)
    for item in layer.finish():
        if type(item) is Exchange:
            yield item
        elif others is not None:
            others(item)


def follow(
    follower: StreamFollower,
    framer: Framer,
    callback: Callable[[Any], object],
    **options: Any,
) -> Layer:
    """Call ``callback(item)`` for what the streams of a follower carry.

    Items are those of ``Layer.feed``. A stream whose data is ignored has none.

    Args:
        options: Those of ``Layer``.

    Returns:
        The layer, with its counts.
    """
    layer = Layer(framer, **options)

    def take(events: list[Any]) -> None:
        for item in layer.feed(events):
            callback(item)

    follower.on_events(take)
    return layer


def in_order(
    found: Iterable[Exchange],
    most: int = REORDERED,
    most_bytes: int = REORDERED_BYTES,
) -> Iterator[Exchange]:
    """Give exchanges in the order in which they began, as far as that is bounded.

    Args:
        most: How many may wait for one that began before them.
        most_bytes: How much of their bodies may be in memory meanwhile.
    """
    waiting: list[tuple[int, int, Exchange]] = []
    waiting_bytes = 0
    following = 0
    for exchange in found:
        if exchange.number <= following and not waiting:
            following = max(following, exchange.number + 1)
            yield exchange
            continue
        size = sum(
            message.content.memory_bytes
            for message in (exchange.request, exchange.response)
            if message is not None and message.content is not None
        )
        waiting_bytes += size
        heappush(waiting, (exchange.number, size, exchange))
        while waiting and (
            waiting[0][0] <= following
            or len(waiting) > most
            or waiting_bytes > most_bytes
        ):
            number, size, first = heappop(waiting)
            waiting_bytes -= size
            following = max(following, number + 1)
            yield first
    while waiting:
        yield heappop(waiting)[2]
