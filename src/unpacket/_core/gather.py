"""Payload that waits to be written, gathered by stream without an event for each piece.

Who takes bytes alone, and not one piece after the other, gives an assembler a
``Gatherer``. Ordinary segments are copied into it from their batch, behind what waits
of their side; the other ``Data`` events are taken out of what the assembler tells.
"""

from typing import Any

from unpacket._core import inline_fill as native
from unpacket._core.batch import Batch
from unpacket._core.constants import (
    DELIVERED_ROW,
    DELIVERED_SIDE,
    DELIVERED_SLOT,
    DELIVERY_WORDS,
)
from unpacket._core.events import SERVER, Data
from unpacket._core.segments import Segments
from unpacket._core.state import Stream

# What a block costs beside its bytes, and a side beside its blocks: their objects,
# their places in lists.
BLOCK_COST = 80
SIDE_COST = 160

# A block is as long as all before it of its side, so that they are few; up to this.
LONGEST_BLOCK = 1 << 18


class Side:
    """What waits of one direction of a stream.

    Attributes:
        cost: What all of it takes.
    """

    __slots__ = ("cost", "full", "length", "size", "stream", "tail", "used")

    full: list[bytearray] | None
    tail: bytearray | None

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.full = None
        self.tail = None
        self.used = 0
        self.size = 0
        self.length = 0
        self.cost = SIDE_COST

    def room(self, length: int) -> int:
        """Return how many of the next ``length`` bytes the last block has room for."""
        if self.used == self.size:
            if self.tail is not None:
                if self.full is None:
                    self.full = []
                self.full.append(self.tail)
            self.size = max(length, min(self.length, LONGEST_BLOCK))
            self.tail = native.block(self.size)
            self.used = 0
            self.cost += self.size + BLOCK_COST
        return min(length, self.size - self.used)

    def blocks(self) -> list[bytearray]:
        """Return all bytes, in some blocks; nothing is to be added after that."""
        blocks = [] if self.full is None else self.full
        if self.tail is not None:
            if self.used < self.size:
                native.cut(self.tail, self.used)
            blocks.append(self.tail)
        return blocks


class Gatherer:
    """Keeps payload, of all streams that are not taken out yet.

    Attributes:
        waiting_bytes: What it costs, of all streams together.
    """

    __slots__ = ("elsewhere", "places", "sifted", "waiting_bytes")

    # Two for each slot of the assembler's table: of what client and server sent.
    places: list[Side | None]
    # Of streams that have no slot, or of which nobody knows that they have.
    elsewhere: dict[Stream, list[Side | None]]

    def __init__(self) -> None:
        self.places = []
        self.elsewhere = {}
        self.sifted = 0
        self.waiting_bytes = 0

    def add(self, data: Data) -> None:
        """Keep the payload of an event, whatever it came from."""
        sides = self.elsewhere.get(data.stream)
        if sides is None:
            sides = [None, None]
            self.elsewhere[data.stream] = sides
        place = 1 if data.direction is SERVER else 0
        if sides[place] is None:
            sides[place] = self.begin(data.stream)
        # It is there by now.
        self.fill(sides[place], data.payload)  # type: ignore[arg-type]

    def take(
        self, streams: list[Stream | None], segments: Segments, batch: Batch
    ) -> None:
        """Keep what the loop over ordinary segments has just delivered.

        ``streams`` are those of the assembler's table, by slot.
        """
        for at in range(0, segments.delivered_words, DELIVERY_WORDS):
            row = segments.delivered[at + DELIVERED_ROW]
            place = 2 * segments.delivered[at + DELIVERED_SLOT]
            if not segments.delivered[at + DELIVERED_SIDE]:
                place += 1
            if place >= len(self.places):
                self.widen(place)
            side = self.places[place]
            if side is None:
                # Only here: it would have to come from far.
                stream: Stream = streams[place >> 1]  # type: ignore[assignment]
                side = self.begin(stream)
                self.places[place] = side
            start = segments.start[row]
            length = segments.length[row]
            while length:
                before = side.cost
                count = side.room(length)
                self.waiting_bytes += side.cost - before
                # There is room in it.
                tail: bytearray = side.tail  # type: ignore[assignment]
                native.fill(tail, side.used, batch, start, count)
                side.used += count
                side.length += count
                start += count
                length -= count
        segments.delivered_words = 0

    def sift(self, events: list[Any]) -> None:
        """Keep the data of fresh events, and take them out of the list.

        Those before ``sifted`` have been sifted before.
        """
        kept = self.sifted
        for at in range(kept, len(events)):
            event = events[at]
            if isinstance(event, Data):
                self.put(event)
                continue
            events[kept] = event
            kept += 1
        del events[kept:]
        self.sifted = kept

    def put(self, data: Data) -> None:
        """Keep the payload of an event of a stream that has its slot."""
        stream: Stream = data.stream
        place = 2 * stream.slot + (1 if data.direction is SERVER else 0)
        if place >= len(self.places):
            self.widen(place)
        side = self.places[place]
        if side is None:
            side = self.begin(stream)
            self.places[place] = side
        self.fill(side, data.payload)

    def leave(self, stream: Stream) -> None:
        """Let a stream go on without its slot."""
        place = 2 * stream.slot
        if place < len(self.places):
            sides = [self.places[place], self.places[place + 1]]
            if sides[0] is not None or sides[1] is not None:
                self.elsewhere[stream] = sides
                self.places[place] = None
                self.places[place + 1] = None

    def pop(self, stream: Stream) -> "list[list[bytearray]] | None":
        """Return what waits of a stream, and keep it no longer; None for nothing.

        In blocks, those of the client first.
        """
        sides = self.elsewhere.pop(stream, None) if self.elsewhere else None
        if sides is None:
            place = 2 * stream.slot
            if place < 0 or place >= len(self.places):
                return None
            sides = [None, None]
            for number in range(2):
                side = self.places[place + number]
                # The slot may be another stream's by now.
                if side is not None and side.stream is stream:
                    sides[number] = side
                    self.places[place + number] = None
        popped: list[list[bytearray]] = []
        there = False
        for side in sides:
            if side is None:
                popped.append([])
                continue
            there = True
            self.waiting_bytes -= side.cost
            popped.append(side.blocks())
        return popped if there else None

    def cost(self, stream: Stream) -> int:
        """Return what waits of a stream, as counted in ``waiting_bytes``."""
        sides = self.elsewhere.get(stream) if self.elsewhere else None
        if sides is None:
            place = 2 * stream.slot
            if place < 0 or place >= len(self.places):
                return 0
            sides = [self.places[place], self.places[place + 1]]
        total = 0
        for side in sides:
            if side is not None and side.stream is stream:
                total += side.cost
        return total

    def streams(self) -> list[Stream]:
        """Return the streams of which something waits."""
        sides = list(self.places)
        for pair in self.elsewhere.values():
            sides += pair
        return list({side.stream: None for side in sides if side is not None})

    def begin(self, stream: Stream) -> Side:
        """Return a side of which nothing waits yet."""
        self.waiting_bytes += SIDE_COST
        return Side(stream)

    def fill(self, side: Side, payload: bytes) -> None:
        """Add bytes to a side."""
        start = 0
        length = len(payload)
        while start < length:
            before = side.cost
            count = side.room(length - start)
            self.waiting_bytes += side.cost - before
            # There is room in it.
            tail: bytearray = side.tail  # type: ignore[assignment]
            native.fill_bytes(tail, side.used, payload, start, count)
            side.used += count
            side.length += count
            start += count

    def widen(self, place: int) -> None:
        """Let there be a place of that number, and as many more."""
        self.places += [None] * (2 * place + 2 - len(self.places))
