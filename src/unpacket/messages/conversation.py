"""One stream as messages: who has to wait for whom, and what a gap does to whom.

What the assembler gives is read at once, or waits until the other half has come so
far that it can be understood; how bytes become messages is in ``cutter``.
"""

from collections import deque
from typing import TYPE_CHECKING, Any

from unpacket._core.reassembly.direction import SERVER
from unpacket._core.reassembly.events import Data, Finished, Gap
from unpacket.messages.constants import IN_BODY, IN_MESSAGE, IN_TUNNEL, SCANNING, TO_END
from unpacket.messages.cutter import Cutter
from unpacket.messages.framer import Framer
from unpacket.messages.opening import Opening
from unpacket.messages.pairing import Pairing
from unpacket.messages.reader import Reader
from unpacket.messages.results import Message, Tunnel
from unpacket.messages.settings import Settings
from unpacket.tls.records import NOT_DECRYPTED

if TYPE_CHECKING:
    from unpacket import Stream


class Conversation(Cutter):
    """The two halves of a stream, as its events come.

    Attributes:
        opening: What waits until content says who is the client, or what the framer
            is; None once that is decided.
    """

    __slots__ = ("opening",)

    opening: Opening | None

    def __init__(self, stream: "Stream", framer: Framer, settings: Settings) -> None:
        super().__init__(stream, framer, settings)
        self.opening = None
        asks_roles = stream.role_evidence in ("port", "first")
        if asks_roles or framer.detects:
            self.opening = Opening(framer.detects, asks_roles, stream.is_partial)

    # What comes from the assembler.

    def data(self, event: Data) -> None:
        """Take the next bytes of a half."""
        if self.opening is not None:
            self.decide(event)
            return
        reader = self.reader(event.direction is SERVER)
        if event.offset != reader.received:
            # A consumer had the assembler ignore a side for a while.
            if event.offset < reader.received:
                return
            self.gap(
                Gap(
                    event.stream,
                    event.direction,
                    reader.received,
                    event.offset - reader.received,
                    "skipped",
                    event.frame,
                    event.time_ns,
                )
            )
        reader.received = event.offset + len(event.payload)
        self.client_spoke = self.client_spoke or not reader.server
        if reader.blocked:
            self.enqueue(reader, event)
            reader.queued_bytes += len(event.payload)
            self.settings.waiting_bytes += len(event.payload)
            if (
                reader.queued_bytes > self.settings.max_queued_bytes
                or self.settings.waiting_bytes > self.settings.max_waiting_bytes
            ):
                self.settings.over_bounds += 1
                reader.forced = True
        else:
            self.give(reader, event)
        if self.waiters:
            self.settle()

    def gap(self, event: Gap) -> None:
        """Take a gap of a half."""
        if self.opening is not None:
            self.opening.add(event)
            return
        reader = self.reader(event.direction is SERVER)
        reader.received = event.offset + event.length
        self.client_spoke = self.client_spoke or not reader.server
        if reader.blocked:
            self.enqueue(reader, event)
        else:
            self.give_gap(reader, event)
        if self.waiters:
            self.settle()

    def finished(self, event: Finished) -> None:
        """Take the end of a half."""
        if self.opening is not None:
            self.opening.add(event)
            return
        reader = self.reader(event.direction is SERVER)
        if reader.blocked:
            self.enqueue(reader, event)
        else:
            self.end(reader, True)
        if self.waiters:
            self.settle()

    def closed(self) -> None:
        """Nothing follows: decide what is undecided, and end what has not ended."""
        if self.opening is not None:
            if self.opening.asks_framer and self.opening.size:
                self.choose(self.opening, True)
            self.replay()
        self.closing = True
        self.settle()
        for reader in (self.client, self.server):
            if not reader.ended:
                self.end(reader, False)
            # The other may have waited for that.
            self.settle()
        if self.inner is not None and not self.inner.close():
            # It said nothing, and its bytes are in no message.
            self.protocol = self.framer.name
        if self.protocol is not None:
            client, server = self.client, self.server
            name = self.protocol or ("tls" if self.upgrading else "unknown")
            offsets = (max(0, client.tunnel_start), max(0, server.tunnel_start))
            self.settings.out.append(
                Tunnel(
                    self.stream,
                    name,
                    offsets,
                    (client.tunnel_bytes, server.tunnel_bytes),
                    self.swapped,
                )
            )
        if self.pairing is not None:
            self.close_pairing()

    # What is spoken, and who is the client.

    def decide(self, event: Data) -> None:
        """Keep bytes until content says which framer fits, and who sends requests."""
        opening: Opening = self.opening  # type: ignore[assignment]
        sender = opening.add(event)
        self.settings.waiting_bytes += len(event.payload)
        over = (
            opening.size > self.settings.max_queued_bytes
            or self.settings.waiting_bytes > self.settings.max_waiting_bytes
        )
        if opening.asks_framer:
            self.choose(opening, over)
        if not opening.asks_framer and opening.asks_roles:
            side = self.framer.side(bytes(opening.first[sender]), False)
            if side >= 0:
                self.swapped = side != sender
                opening.asks_roles = False
        if over or not (opening.asks_framer or opening.asks_roles):
            self.replay()

    def choose(self, opening: Opening, ended: bool) -> None:
        """Let the bytes so far choose the framer; if ``ended``, they have to."""
        choice = self.framer.choose(  # type: ignore[attr-defined]
            self.stream, opening, ended
        )
        if choice is None:
            return
        opening.asks_framer = False
        if choice.framer is None:
            opening.asks_roles = False
            self.begin_tunnel(choice.name, None)
            return
        self.framer = choice.framer
        self.known_by = choice.known_by
        whole = not self.stream.is_partial
        self.client.framer = self.framer.begin(0, whole)
        self.server.framer = self.framer.begin(1, whole)
        if self.settings.pair and self.framer.pairs:
            self.pairing = Pairing(self.settings, self.stream, whole)

    def replay(self) -> None:
        """Give out what waited, in the order in which it came."""
        opening: Opening = self.opening  # type: ignore[assignment]
        self.opening = None
        self.settings.waiting_bytes -= opening.size
        for event in opening.events:
            if isinstance(event, Data):
                self.data(event)
            elif isinstance(event, Gap):
                self.gap(event)
            else:
                self.finished(event)

    # Waiting for each other.

    def enqueue(self, reader: Reader, event: Any) -> None:
        """Keep an event for later."""
        if reader.queue is None:
            reader.queue = deque()
        reader.queue.append(event)

    def settle(self) -> None:
        """Let go on who need not wait any more."""
        goes_on = True
        while goes_on:
            goes_on = False
            for reader in (self.client, self.server):
                if reader.blocked and not self.must_wait(reader):
                    goes_on = True
                    reader.blocked = False
                    self.waiters -= 1
                    self.look(reader, False)
                    while reader.queue and not reader.blocked:
                        event = reader.queue.popleft()
                        if isinstance(event, Data):
                            reader.queued_bytes -= len(event.payload)
                            self.settings.waiting_bytes -= len(event.payload)
                            self.give(reader, event)
                        elif isinstance(event, Gap):
                            self.give_gap(reader, event)
                        else:
                            self.end(reader, True)

    # Reading a half.

    def give(self, reader: Reader, event: Data) -> None:
        """Read the next bytes of a half that need not wait."""
        data = event.payload
        size = len(data)
        if reader.ended:
            return
        if reader.pending is None:
            if (
                reader.mode == IN_BODY
                and size < reader.remaining
                and event.parts is None
                and not self.waiters
            ):
                message: Message = reader.message  # type: ignore[assignment]
                if message._body is None:
                    self.begin_body(message)
                message._body.append(data)  # type: ignore[union-attr]
                reader.remaining -= size
                reader.offset += size
                reader.now_offset = event.offset
                reader.now_frame = message.last_frame = event.frame
                reader.now_ns = message.last_ns = event.time_ns
                reader.now_ack = event.ack
                return
            if reader.mode == IN_TUNNEL and self.protocol:
                reader.offset += size
                reader.tunnel_bytes += size
                self.settings.tunnel_bytes += size
                return
        if event.parts is None:
            reader.arrive(event.offset, event.frame, event.time_ns, event.ack)
        else:
            for part in event.parts:
                reader.arrive(part.start, part.frame, part.time_ns, part.ack)
        if self.server.blocked and not reader.server:
            at = self.take_turns(reader, event)
            if at > 0:
                data = data[at:]
        self.take(reader, data)

    def take_turns(self, reader: Reader, event: Data) -> int:
        """Read of the client's bytes those that waiting responses had seen.

        What it sends beyond them may depend on the responses, so that these come
        between, however the client's bytes are cut. Returns how many were read.
        """
        data = event.payload
        received = reader.received
        at = 0
        while self.server.blocked:
            limit = self.covered(self.server) - event.offset
            if limit < at or limit >= len(data):
                break
            reader.received = event.offset + limit
            if limit > at:
                self.take(reader, data[at:limit])
                at = limit
                if reader.blocked:
                    break
            before = self.server.offset
            self.settle()
            if self.server.offset == before:
                break
        reader.received = received
        return at

    def take(self, reader: Reader, data: bytes) -> None:
        """Read contiguous bytes, together with those that wait before them."""
        if reader.pending is None and not reader.blocked:
            self.run(reader, data, False)
            return
        if reader.pending is None:
            reader.pending = bytearray()
        reader.pending += data
        self.settings.waiting_bytes += len(data)
        if len(reader.pending) >= reader.wanted and not reader.blocked:
            self.look(reader, False)

    def look(self, reader: Reader, ended: bool) -> None:
        """Read what waits."""
        if reader.pending is not None:
            data = bytes(reader.pending)
            self.settings.waiting_bytes -= len(data)
            reader.pending = None
            self.run(reader, data, ended)

    # Gaps and ends.

    def give_gap(self, reader: Reader, event: Gap) -> None:
        """Let a range of a half be missing."""
        self.look(reader, True)
        if reader.blocked:
            reader.queue = reader.queue or deque()
            reader.queue.appendleft(event)
            return
        length = event.length
        if reader.mode == IN_BODY:
            count = min(length, reader.remaining)
            if event.reason == NOT_DECRYPTED:
                # What is behind it may lie earlier in the body.
                reader.message.note("uncertain-gap")  # type: ignore[union-attr]
            self.hole(reader, count, event.reason)
            reader.remaining -= count
            length -= count
            if reader.remaining == 0:
                if reader.more:
                    reader.mode = IN_MESSAGE
                else:
                    self.end_message(reader, True)
            if length == 0:
                return
        if reader.mode == TO_END:
            self.hole(reader, length, event.reason)
            return
        if reader.mode == IN_TUNNEL:
            if self.inner is not None:
                self.inner.gap(reader, length, event.reason)
            reader.offset += length
            return
        # A head that the hole has cut ended right before it, and broken.
        cut = reader.mode == IN_MESSAGE or reader.broken_at == reader.offset
        if reader.mode == IN_MESSAGE:
            self.break_message(reader)
        self.end_skip(reader)
        reader.framer.reset()
        if self.pairing is not None:
            self.pairing.hole(reader.server, reader.offset, reader.offset + length, cut)
        reader.mode = SCANNING
        reader.refused = False
        reader.offset += length

    def end(self, reader: Reader, by_fin: bool) -> None:
        """A half ends here."""
        self.look(reader, True)
        if reader.blocked:
            self.enqueue(reader, None)
            return
        if reader.mode == IN_BODY:
            self.hole(reader, reader.remaining, "not_sent")
            reader.remaining = 0
            if reader.more:
                reader.mode = IN_MESSAGE
            else:
                self.end_message(reader, True)
        if reader.mode == IN_MESSAGE:
            self.break_message(reader)
        elif reader.mode == TO_END:
            reader.message.length_known = by_fin  # type: ignore[union-attr]
            self.end_message(reader, by_fin)
        elif self.inner is not None:
            self.inner.end(reader)
        self.end_skip(reader)
        reader.ended = True
