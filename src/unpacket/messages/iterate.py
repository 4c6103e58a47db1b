"""Messages and exchanges of a capture, for programs that read to the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, cast

from unpacket._options import no_such_option
from unpacket.messages.framer import Framer
from unpacket.messages.layer import Layer
from unpacket.messages.order import Order
from unpacket.messages.pairing import Exchange
from unpacket.policy import Policy

if TYPE_CHECKING:
    from unpacket.faces.follower import StreamFollower
    from unpacket.tls.key_log import Keys
    from unpacket.typing import BpfLike, Capture, Progress

# How many exchanges may wait for one that began before them.
REORDERED = 4096
REORDERED_BYTES = 64 << 20


class LayerOptions(TypedDict, total=False):
    """What the layer takes of the options of the faces, see ``Layer``."""

    bodies: bool
    sink: Any
    spill_bytes: int
    memory_bytes: int
    max_pending_bytes: int
    max_queued_bytes: int
    max_waiting_bytes: int
    max_unanswered: int


class FaceOptions(LayerOptions, total=False):
    """Those, and how the source is opened, see ``unpacket.events``."""

    merge: bool
    link_type: int | str | None
    strict: bool
    progress: Progress | None
    bpf: BpfLike | None
    jobs: int | None
    keys: Keys | None


def apart(
    function: Callable[..., object], options: FaceOptions
) -> tuple[LayerOptions, Any]:
    """Return the options of a face for the layer, and those for the reading.

    Raises:
        TypeError: There is no such option.
    """
    known = FaceOptions.__annotations__
    for name in options:
        if name not in known:
            own = function.__kwdefaults__ or {}
            raise TypeError(no_such_option(function.__qualname__, name, [*own, *known]))
    ours = LayerOptions.__annotations__
    given = cast(dict[str, Any], options)
    layer = {name: value for name, value in given.items() if name in ours}
    rest = {name: value for name, value in given.items() if name not in ours}
    return cast(LayerOptions, layer), rest


def lists(
    source: Capture, policy: Policy | None, **options: Any
) -> Iterator[list[Any]]:
    """Give the events of a capture in lists."""
    from unpacket.faces.reader import Reading

    return Reading(source, policy=policy, data=True, **options).lists()


def messages(
    source: Capture,
    framer: Framer | str | None = None,
    *,
    policy: Policy | None = None,
    skipped: bool = True,
    **options: Unpack[FaceOptions],
) -> Iterator[Any]:
    """Give the messages of a capture, as they end.

    Where messages are requests and responses, those of an exchange come together.

    Args:
        framer: Where messages begin and end: a ``Framer``, or the name of one. By
            default each stream has the one that fits its first bytes or its port.
        skipped: Whether to give a ``Skipped`` for each range of bytes that belongs to
            no message, before the message behind it, and a ``Tunnel`` at the end of a
            stream that carried one.
        options: Those of ``Layer``, and those of ``unpacket.events``.

    Raises:
        SourceError: The source cannot be read, or is no capture.
        ValueError: No framer has that name.
        FramerError: That of a package cannot be used.
    """
    for_layer, for_reading = apart(messages, options)
    layer = Layer(framer_of(framer), exchanges=True, **for_layer)
    return _messages(layer, lists(source, policy, **for_reading), skipped)


def _messages(
    layer: Layer, happening: Iterable[list[Any]], skipped: bool
) -> Iterator[Any]:
    for events in happening:
        yield from apiece(layer.feed(events), skipped)
    yield from apiece(layer.finish(), skipped)


def apiece(items: Iterable[Any], skipped: bool) -> Iterator[Any]:
    """Give the messages of exchanges each by itself."""
    from unpacket.messages.results import Message

    for item in items:
        if type(item) is Exchange:
            for message in (item.request, *item.interim, item.response):
                if message is not None:
                    yield message
        elif skipped or isinstance(item, Message):
            yield item


def framer_of(framer: Framer | str | None) -> Framer:
    """Return what a caller means who may give a framer, its name, or nothing.

    Raises:
        TypeError, ValueError: It is none.
    """
    if framer is None:
        from unpacket.messages.detect import Detect

        return Detect()
    if isinstance(framer, str):
        from unpacket.messages.framers.registry import framer_named

        return framer_named(framer)
    if not isinstance(framer, Framer):
        raise TypeError(f"framer is {framer!r}, and neither a Framer nor a name")
    return framer


def http(
    source: Capture,
    *,
    policy: Policy | None = None,
    ordered: bool = True,
    others: Callable[[Any], object] | None = None,
    tunnels: dict[str, Framer] | None = None,
    mails: bool = False,
    **options: Unpack[FaceOptions],
) -> Iterator[Exchange]:
    """Give the HTTP exchanges of a capture.

    Args:
        ordered: Whether in the order in which they began; then up to 4,096 wait for
            one that began before them. Else as they end.
        others: Called with each ``Skipped`` and ``Tunnel``.
        tunnels: What frames the bytes behind "101" and "CONNECT", by protocol; then
            ``others`` is called with their messages too.
        mails: Whether streams of SMTP and POP3 are looked into; then ``others`` is
            called with their messages too.
        options: Those of ``Layer``, and those of ``unpacket.events``.

    Raises:
        SourceError: The source cannot be read, or is no capture.
    """
    from unpacket.messages.http.framing import Http
    from unpacket.messages.http2.framer import Http2

    for_layer, for_reading = apart(http, options)
    framer: Framer = Http({"http2": Http2(), **(tunnels or {})})
    if mails:
        from unpacket.messages.detect import OrElse
        from unpacket.messages.framers.pop3 import Pop3
        from unpacket.messages.framers.smtp import Smtp

        framer = OrElse([framer, Smtp(), Pop3()])
    layer = Layer(framer, exchanges=True, **for_layer)
    found = _exchanges(layer, lists(source, policy, **for_reading), others)
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
    framer: Framer | str | None,
    callback: Callable[[Any], object],
    *,
    exchanges: bool = False,
    **options: Unpack[LayerOptions],
) -> Layer:
    """Call ``callback(item)`` for what the streams of a follower carry.

    Items are those of ``Layer.feed``. A stream whose data is ignored has none.

    Args:
        framer: As of ``messages``.
        exchanges: Whether to pair messages, where the framer says that they pair.
        options: Those of ``Layer``.

    Returns:
        The layer, with its counts.
    """
    layer = Layer(framer_of(framer), exchanges=exchanges, **options)

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
    order = Order(most, most_bytes)
    for exchange in found:
        yield from order.put(exchange)
    yield from order.rest()
