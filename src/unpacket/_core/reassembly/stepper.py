"""A batch is worked off a part at a time: whoever gets events finds each stream as it
was when they happened, and what is decided about it applies from then on.
"""

from typing import Any

from unpacket._core.constants import (
    ALL_SEGMENTS,
    DELIVERED_SIDE,
    DELIVERED_SLOT,
    EVENTS_PORTION,
    STEP_DELIVERY,
    STEP_DONE,
    STEP_EVENTS,
)
from unpacket._core.decode.checksum_states import HostSums
from unpacket._core.decode.decoder import Decoder
from unpacket._core.decode.segments import Segments
from unpacket._core.memory.batch import Batch
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.demultiplexer import Demultiplexer
from unpacket._core.reassembly.events import Data, Event
from unpacket._core.reassembly.fast_path import delivered_data, delivered_octets, tell
from unpacket._core.reassembly.payload_gatherer import Gatherer
from unpacket._core.reassembly.run import Run
from unpacket._core.reassembly.stream import Stream
from unpacket._core.reassembly.table import FlowTable


class Stepper:
    """Takes batches, works them off, and has the events: what an assembler is inside.

    A batch is begun with ``begin`` or ``begin_decoded``, and then worked off with
    ``step``, ``step_apart`` or ``proceed`` until these return that it is done.

    Attributes:
        decoder: What frames go through first, with its counters.
        sums: The counts of checksums, or None.
    """

    __slots__ = (
        "ctx",
        "decoder",
        "demultiplexer",
        "observer",
        "run",
        "sums",
        "table",
    )

    # An assembler makes them, as its policy says.
    ctx: Context
    decoder: Decoder
    demultiplexer: Demultiplexer
    observer: Any
    run: Run
    sums: HostSums | None
    table: FlowTable

    def gather(self, gatherer: Gatherer) -> None:
        """Let the payload of all streams be put there, and have no ``Data`` events.

        For this assembler alone, before its first batch.
        """
        self.ctx.gatherer = gatherer

    def observe(self, observer: object) -> None:
        """Let an observer see each segment when it has been processed.

        Its method ``take(segments, batch, start, stop)`` gets rows in order, before the
        events that they caused are given out. ``trace`` shows it none.
        """
        self.observer = observer

    def begin(self, batch: Batch) -> None:
        """Take a batch to be worked off by ``step`` or ``proceed``.

        Raises:
            TypeError: ``batch`` is no ``Batch``.
        """
        if not isinstance(batch, Batch):
            raise TypeError(f"feed() takes a Batch, and not a {type(batch).__name__}")
        self.run.begin(batch)
        self.ctx.history.begin(batch.buffer)

    def decode(self, batch: Batch, free: list[Segments]) -> list[Segments]:
        """Decode the next batch for ``begin_decoded``, beside whatever else runs.

        One thread at a time may, and nobody else feeds meanwhile. ``free`` are
        segments that are done with.
        """
        decoded = []
        at = 0
        while at < batch.count:
            segments = free.pop() if free else Segments()
            segments.clear()
            at = self.decoder.decode(batch, segments, at)
            decoded.append(segments)
        return decoded

    def begin_decoded(self, batch: Batch, decoded: list[Segments]) -> None:
        """Take a batch, and what ``decode`` returned for it, to be worked off."""
        self.run.begin_decoded(batch, decoded)
        self.ctx.history.begin(batch.buffer)

    def proceed(self, count: int) -> list[Event] | None:
        """Work on for ``count`` segments; return None where all are done.

        A segment may cause thousands of events: where they are many it ends sooner.
        """
        if self.run.batch is None:
            return None
        self.work(count, False, EVENTS_PORTION)
        return self.take()

    def step(self) -> list[Event] | None:
        """Work on until a segment causes events.

        So whoever gets them finds each stream as it was when that segment had come,
        and what it decides applies from the next one on.

        Returns:
            The events, or None where the batch is done.
        """
        if self.run.batch is None:
            return None
        self.work(ALL_SEGMENTS, True)
        return self.take()

    def step_apart(self) -> int:
        """Do what ``step`` does, but make no event of what an ordinary segment brings.

        Returns:
            STEP_DONE where the batch is done, STEP_EVENTS where ``take`` has them, or
            STEP_DELIVERY: until the next call all that is called ``delivery`` answers
            about that one.
        """
        if self.run.batch is None:
            return STEP_DONE
        self.demultiplexer.tells = False
        try:
            self.work(ALL_SEGMENTS, True)
        finally:
            self.demultiplexer.tells = True
        segments = self.run.segments
        if not segments.delivered_words:
            return STEP_EVENTS
        if self.ctx.events:
            # They came before it.
            tell(self.ctx, self.table, segments, self.run.batch)
            return STEP_EVENTS
        segments.delivered_words = 0
        return STEP_DELIVERY

    def delivery_stream(self) -> Stream:
        """Return the stream of what was delivered."""
        slot = self.run.segments.delivered[DELIVERED_SLOT]
        return self.table.streams[slot]  # type: ignore[return-value]

    def delivery_is_client(self) -> bool:
        """Return whether the client sent it."""
        return self.run.segments.delivered[DELIVERED_SIDE] != 0

    def delivery_octets(self) -> bytes:
        """Return its payload."""
        return delivered_octets(self.run.segments, self.run.batch, 0)  # type: ignore[arg-type]

    def delivery(self, payload: bytes) -> Data:
        """Make the event of it; ``payload`` is what ``delivery_octets`` returned."""
        stream = self.delivery_stream()
        return delivered_data(self.run.segments, self.run.batch, 0, stream, payload)  # type: ignore[arg-type]

    def take(self) -> list[Event]:
        """Return the events since the last call."""
        events = self.ctx.events
        if self.ctx.gatherer is not None:
            self.ctx.gatherer.sift(events)
            self.ctx.gatherer.sifted = 0
        self.ctx.events = []
        return events

    def work(self, count: int, to_event: bool, most_events: int = ALL_SEGMENTS) -> None:
        """Process the next ``count`` segments of the batch, or what it has.

        With ``to_event`` not beyond one that causes an event, and in any case until
        there are ``most_events`` or a few more.
        """
        run = self.run
        demultiplexer = self.demultiplexer
        self.ctx.each_delivery = to_event
        while run.row < run.segments.count or self.more():
            if count <= 0:
                return
            row = run.row
            stop = min(run.segments.count, row + count)
            count += row
            demultiplexer.take_ordinary(run, stop)
            if run.row < stop and not (
                to_event and (self.ctx.events or run.segments.delivered_words)
            ):
                demultiplexer.take_any(run)
            if self.observer is not None:
                self.observer.take(run.segments, run.batch, row, run.row)
            if to_event and (self.ctx.events or run.segments.delivered_words):
                return
            count -= run.row
            if len(self.ctx.events) >= most_events:
                return

    def more(self) -> bool:
        """Return whether the batch has a segment left; where not, it is done."""
        if self.run.more(self.decoder, self.sums):
            return True
        self.ctx.history.end()
        return False
