"""Payload that waits to be written, gathered by stream without an event for each piece.

Who takes bytes alone, and not one piece after the other, gives an assembler a
``Gatherer``. Ordinary segments are copied into it from their batch, behind what waits
of their side; the other ``Data`` events are taken out of what the assembler tells.
"""

from array import array
from typing import Any

from unpacket._core.constants import (
    DELIVERED_ROW,
    DELIVERED_SIDE,
    DELIVERED_SLOT,
    DELIVERY_WORDS,
    NONE,
)
from unpacket._core.decode.segments import Segments
from unpacket._core.memory.batch import Batch
from unpacket._core.memory.byte_chains import Growing
from unpacket._core.reassembly.direction import SERVER, Direction
from unpacket._core.reassembly.events import Data
from unpacket._core.reassembly.stream import Stream

FIRST_PLACES = 64


class Sides:
    """What waits of a stream that has no slot: the number of each of its sides."""

    __slots__ = ("client", "server")

    def __init__(self, client: int, server: int) -> None:
        self.client = client
        self.server = server


class Gatherer:
    """Keeps payload, of all streams that are not taken out yet.

    Args:
        expected_bytes: How much of it at one time, see ``Growing``.
    """

    __slots__ = ("elsewhere", "growing", "owners", "places", "sifted")

    # Two for each slot of the assembler's table, of what client and server sent: the
    # number of a sequence, or NONE.
    places: "memoryview[int]"
    # Of streams that have no slot, or of which nobody knows that they have.
    elsewhere: dict[Stream, Sides]
    # Whose each sequence is.
    owners: list[Stream | None]

    def __init__(self, expected_bytes: int = 0) -> None:
        self.places = memoryview(array("q", [NONE] * FIRST_PLACES))
        self.elsewhere = {}
        self.owners = []
        self.growing = Growing(expected_bytes)
        self.sifted = 0

    @property
    def waiting_bytes(self) -> int:
        """What all that waits takes."""
        return self.growing.waiting_bytes

    def add(self, data: Data) -> None:
        """Keep the payload of an event, whatever it came from."""
        sides = self.elsewhere.get(data.stream)
        if sides is None:
            sides = Sides(NONE, NONE)
            self.elsewhere[data.stream] = sides
        if data.direction is SERVER:
            if sides.server == NONE:
                sides.server = self.begin(data.stream)
            self.growing.extend_bytes(sides.server, data.payload)
        else:
            if sides.client == NONE:
                sides.client = self.begin(data.stream)
            self.growing.extend_bytes(sides.client, data.payload)

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
            number = self.places[place]
            if number == NONE:
                # Only here: it would have to come from far.
                stream: Stream = streams[place >> 1]  # type: ignore[assignment]
                number = self.begin(stream)
                self.places[place] = number
            self.growing.extend(
                number, batch, segments.start[row], segments.length[row]
            )
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
        number = self.places[place]
        if number == NONE:
            number = self.begin(stream)
            self.places[place] = number
        self.growing.extend_bytes(number, data.payload)

    def leave(self, stream: Stream) -> None:
        """Let a stream go on without its slot."""
        place = 2 * stream.slot
        if place < len(self.places):
            client = self.places[place]
            server = self.places[place + 1]
            if client != NONE or server != NONE:
                self.elsewhere[stream] = Sides(client, server)
                self.places[place] = NONE
                self.places[place + 1] = NONE

    def length(self, stream: Stream, direction: Direction) -> int:
        """Return how many bytes wait of a side."""
        number = self.number(stream, 1 if direction is SERVER else 0)
        return 0 if number == NONE else self.growing.length(number)

    def draw(self, stream: Stream, direction: Direction, target: bytearray) -> int:
        """Move what waits of a side, or as much as fits, to the front of ``target``.

        Returns:
            How many bytes that are; less than a block of them may not fit.
        """
        number = self.number(stream, 1 if direction is SERVER else 0)
        return 0 if number == NONE else self.growing.draw(number, target)

    def end(self, stream: Stream) -> None:
        """Let nothing wait of a stream."""
        client = self.number(stream, 0)
        server = self.number(stream, 1)
        if client != NONE:
            self.owners[client] = None
            self.growing.end(client)
        if server != NONE:
            self.owners[server] = None
            self.growing.end(server)
        if self.elsewhere.pop(stream, None) is None and client + server != 2 * NONE:
            self.places[2 * stream.slot] = NONE
            self.places[2 * stream.slot + 1] = NONE

    def cost(self, stream: Stream) -> int:
        """Return what waits of a stream, as counted in ``waiting_bytes``."""
        total = 0
        for side in range(2):
            number = self.number(stream, side)
            if number != NONE:
                total += self.growing.cost(number)
        return total

    def streams(self) -> list[Stream]:
        """Return the streams of which something waits."""
        return list({owner: None for owner in self.owners if owner is not None})

    def number(self, stream: Stream, side: int) -> int:
        """Return the number of a side, 1 for what the server sent; NONE of nothing."""
        if self.elsewhere:
            sides = self.elsewhere.get(stream)
            if sides is not None:
                return sides.server if side else sides.client
        place = 2 * stream.slot + side
        if place < 0 or place >= len(self.places):
            return NONE
        number = self.places[place]
        # The slot may be another stream's by now.
        if number == NONE or self.owners[number] is not stream:
            return NONE
        return number

    def begin(self, stream: Stream) -> int:
        """Return the number of a side of which nothing waits yet."""
        number = self.growing.begin()
        if number >= len(self.owners):
            self.owners.append(None)
        self.owners[number] = stream
        return number

    def widen(self, place: int) -> None:
        """Let there be a place of that number, and as many more."""
        places = array("q", [NONE] * (2 * place + 2))
        memoryview(places)[: len(self.places)] = self.places
        self.places = memoryview(places)
