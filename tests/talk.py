"""Two ends of one connection that speak to an assembler, segment by segment.

A test written with ``Talk`` reads like the conversation that it checks: stream
offsets instead of sequence numbers, and for each packet what was said to it.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from tests.builder import RAW, SECOND, SYN, Conversation, Frame, mss, window_scale
from tests.builder import timestamps as timestamps_option
from unpacket import Assembler, Batch, Data, Direction, Opened, Policy, Stream

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER

Told = list[tuple[Any, ...]]


def said(events: Iterable[Any]) -> Told:
    """Return events as tuples that are easy to write down: kind, then what matters.

    Streams, frames and times are left out.
    """
    told: Told = []
    for event in events:
        names = event.__match_args__[1:]
        kind = type(event).__name__.lower()
        if kind == "conflict":
            names = ("direction", "offset", "kept", "other")
        if kind == "note":
            names = ("direction", "kind", "offset")
        fields = (getattr(event, name) for name in names)
        told.append((kind, *(short(field) for field in fields)))
    return told


def short(field: Any) -> Any:
    return str(field) if isinstance(field, Direction) else field


def batches(frames: Sequence[Frame], cuts: Iterable[int] = ()) -> Iterable[Batch]:
    """Return frames in batches that begin at ``cuts``."""
    bounds = sorted({0, *(cut for cut in cuts if cut < len(frames)), len(frames)})
    for start, stop in pairwise(bounds):
        yield Batch.from_frames(frames[start:stop], start + 1)


def feed_all(
    frames: Sequence[Frame],
    policy: Policy | None = None,
    cuts: Iterable[int] = (),
    **options: bool,
) -> list[Any]:
    """Return the events of frames, fed in batches that begin at ``cuts``."""
    assembler = Assembler(policy, **options)
    events: list[Any] = []
    for batch in batches(frames, cuts):
        events += assembler.feed(batch)
    return events + assembler.finish()


def payload_of(events: Iterable[Any], direction: Direction) -> bytes:
    """Return what was delivered of a direction, gaps left out."""
    return b"".join(
        event.payload
        for event in events
        if isinstance(event, Data) and event.direction is direction
    )


class Talk:
    """One connection, and what the assembler says about it.

    ``client`` and ``server`` send a segment that begins at a stream offset (-1 is
    the SYN), one millisecond after the last packet, and return what was said to it.
    Without ``ack``, an offset too, it repeats what the sender acknowledged last.
    """

    def __init__(
        self,
        policy: Policy | None = None,
        *,
        assembler: Assembler | None = None,
        data: bool = True,
        notes: bool = False,
        conversation: dict[str, Any] | None = None,
        **changes: Any,
    ) -> None:
        if assembler is None:
            policy = (policy or Policy()).replace(**changes)
            assembler = Assembler(policy, data=data, notes=notes)
        self.assembler = assembler
        self.wire = Conversation(**{"link_type": RAW, **(conversation or {})})
        self.events: list[Any] = []

    def send(
        self,
        side: int,
        offset: int,
        payload: bytes = b"",
        *,
        ack: int | None = -1,
        wait_ns: int | None = None,
        timestamp: int | None = None,
        mss_option: int | None = None,
        wscale: int | None = None,
        **fields: Any,
    ) -> Told:
        """Send from a side; ``fields`` are those of ``Conversation.send``."""
        options = b""
        if mss_option is not None:
            options += mss(mss_option)
        if wscale is not None:
            options += window_scale(wscale)
        if timestamp is not None:
            options += timestamps_option(timestamp)
        if ack != -1:
            fields["ack"] = None if ack is None else ack + 1
        if wait_ns is not None:
            self.wire.now_ns += wait_ns - self.wire.step_ns
        make = self.wire.server if side else self.wire.client
        return self.see(make(offset + 1, payload, options=options, **fields))

    def see(self, frame: Frame) -> Told:
        """Let a frame be captured now."""
        number = self.assembler.packets + 1
        return self.tell(self.assembler.feed(Batch.from_frames([frame], number)))

    def client(self, offset: int, payload: bytes = b"", **fields: Any) -> Told:
        return self.send(0, offset, payload, **fields)

    def server(self, offset: int, payload: bytes = b"", **fields: Any) -> Told:
        return self.send(1, offset, payload, **fields)

    def handshake(
        self,
        wscale: int | None = None,
        mss_option: int | None = None,
        **fields: Any,
    ) -> Told:
        """Send SYN, SYN-ACK and ACK, with ``fields`` in each."""
        options: dict[str, Any] = {"wscale": wscale, "mss_option": mss_option}
        told = self.client(-1, flags=SYN, ack=None, **options, **fields)
        told += self.server(-1, flags=SYN, ack=0, **options, **fields)
        return told + self.client(0, ack=0, **fields)

    def wait(self, seconds: float) -> Told:
        """Let time pass without packets."""
        self.wire.now_ns += round(seconds * SECOND)
        return self.tell(self.assembler.advance(self.wire.now_ns))

    def finish(self) -> Told:
        return self.tell(self.assembler.finish())

    def tell(self, events: list[Any]) -> Told:
        self.events += events
        return said(events)

    @property
    def frames(self) -> list[Frame]:
        """What was sent so far."""
        return self.wire.frames

    @property
    def opened(self) -> list[Stream]:
        return [event.stream for event in self.events if isinstance(event, Opened)]

    @property
    def stream(self) -> Stream:
        """The stream that opened last."""
        return self.opened[-1]

    def bytes_of(self, direction: Direction) -> bytes:
        return payload_of(self.events, direction)
