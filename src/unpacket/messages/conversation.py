"""One stream as messages: who has to wait for whom, and what a gap does to whom.

The two halves are one room, since each may decide about the other: a response is cut
by what its request was, and behind "CONNECT" the client's bytes depend on the answer.
Whatever is asked of a framer is asked in ``run``; its loop either uses bytes up,
changes the mode, or stops, so that no framer can hold it.
"""

from collections import deque
from typing import TYPE_CHECKING, Any

from unpacket._core.reassembly.events import Data, Direction, Finished, Gap
from unpacket._core.sequence import unwrap, wrap
from unpacket.messages.answers import Answer
from unpacket.messages.body import new_body
from unpacket.messages.constants import (
    BOUNDARY,
    BROKEN,
    IN_BODY,
    IN_MESSAGE,
    IN_TUNNEL,
    MAX_OFFSET,
    NEED,
    PART,
    REFUSE,
    SCANNING,
    SKIP,
    TO_END,
    TUNNEL,
    UNTIL_END,
)
from unpacket.messages.framer import Framer
from unpacket.messages.native import find as native
from unpacket.messages.opening import Opening
from unpacket.messages.pairing import Pairing
from unpacket.messages.reader import Reader
from unpacket.messages.results import Message, Skipped, Tunnel, new_message
from unpacket.messages.settings import Settings
from unpacket.messages.tunnels import LONGEST_MAGIC, recognise

if TYPE_CHECKING:
    from unpacket import Stream

CLIENT = Direction.CLIENT
SERVER = Direction.SERVER

# More than any unsigned offset; `must_wait` compares with it.
NOWHERE = -1

# Beyond so much, waiting bytes are looked at again only once there is a 32nd more of
# them: or else each byte that comes alone would cost as much as all before it.
LOOKED_AT_EACH_TIME = 16 << 10


class Conversation:
    """The two halves of a stream.

    Attributes:
        stream: The ``Stream``.
        swapped: Whether content contradicts its roles.
        opening: What waits until content says who is the client, or what the framer
            is; None once that is decided.
        known_by: Why the framer is the one that it is; None if the caller chose it.
    """

    __slots__ = (
        "client",
        "client_spoke",
        "closing",
        "framer",
        "known_by",
        "opening",
        "pairing",
        "protocol",
        "server",
        "settings",
        "stream",
        "swapped",
        "waiters",
    )

    pairing: Pairing | None
    opening: Opening | None
    known_by: str | None

    def __init__(self, stream: "Stream", framer: Framer, settings: Settings) -> None:
        whole = not stream.is_partial
        self.stream = stream
        self.framer = framer
        self.known_by = None
        self.settings = settings
        self.swapped = False
        self.protocol: str | None = None
        self.client = Reader(CLIENT, False, framer.begin(0, whole))
        self.server = Reader(SERVER, True, framer.begin(1, whole))
        self.pairing = None
        if settings.pair and framer.pairs:
            self.pairing = Pairing(settings, stream, whole)
        self.waiters = 0
        self.client_spoke = False
        self.closing = False
        self.opening = None
        asks_roles = stream.role_evidence in ("port", "first")
        if asks_roles or framer.detects:
            self.opening = Opening(framer.detects, asks_roles, not whole)

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
        if self.protocol is not None:
            client, server = self.client, self.server
            name = "unknown" if self.protocol == "" else self.protocol
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

    def reader(self, from_server: bool) -> Reader:
        """Return the reader of what an end of the stream has sent."""
        return self.server if from_server != self.swapped else self.client

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

    def must_wait(self, reader: Reader) -> bool:
        """Return whether a half has to wait before its next message is looked at."""
        if reader.forced or self.closing:
            return False
        if not reader.server:
            # What a client sends behind "CONNECT" depends on the answer.
            awaited = reader.awaits
            if awaited is None:
                return False
            if awaited.response is not None or awaited.pairing is not None:
                reader.awaits = None
                return False
            return not self.server.ended
        client = self.client
        if client.ended or self.pairing is None:
            return False
        if reader.offset == 0 and not self.client_spoke and self.pairing.certain:
            # A server that speaks first: perhaps its request was captured later.
            return True
        return self.covered(reader) > client.received

    def covered(self, reader: Reader) -> int:
        """Return up to where the sender of the byte at hand had seen the other half.

        An offset of the other half; -1 if that is not known.
        """
        ack = reader.now_ack
        if reader.offset < reader.now_offset:
            ack = reader.mark(reader.offset).ack
        if ack < 0:
            return NOWHERE
        peer = self.client if reader.server else self.server
        base = self.base(peer)
        if base < 0:
            return NOWHERE
        return unwrap(ack, base, peer.received)

    def base(self, reader: Reader) -> int:
        """Return the sequence number of offset 0 of a half, or -1."""
        if reader.base < 0:
            side = reader.direction
            if self.swapped:
                side = CLIENT if side is SERVER else SERVER
            offset = self.stream.offset_of(side, 0)
            if offset is not None:
                reader.base = wrap(-offset, 0)
        return reader.base

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

    def run(self, reader: Reader, data: bytes, ended: bool) -> None:
        """Read contiguous bytes; what cannot be understood yet becomes ``pending``.

        Args:
            ended: Whether what follows is a gap, or nothing.
        """
        at = 0
        size = len(data)
        wanted = 0
        while True:
            if reader.mode == IN_BODY:
                count = size - at
                if count > reader.remaining:
                    count = reader.remaining
                if count > 0:
                    self.add(reader, data, at, count)
                    at += count
                    reader.remaining -= count
                if reader.remaining > 0:
                    break
                if reader.more:
                    reader.mode = IN_MESSAGE
                else:
                    self.end_message(reader, True)
                continue
            if at == size:
                break
            if reader.mode == TO_END:
                self.add(reader, data, at, size - at)
                at = size
                break
            if reader.mode == IN_TUNNEL:
                at = self.tunnelled(reader, data, at, ended)
                if reader.mode == IN_TUNNEL:
                    break
                continue
            if reader.mode == SCANNING:
                begin = at + 1 if reader.refused else at
                if begin < size:
                    begin = reader.framer.find_start(data, begin, ended)
                    if begin < at or begin > size:
                        begin = size
                if begin > at:
                    self.skip(reader, begin - at)
                    at = begin
                reader.refused = False
                if at == size:
                    break
            fresh = reader.mode != IN_MESSAGE
            candidate = None
            if fresh and self.pairing is not None:
                if self.must_wait(reader):
                    reader.blocked = True
                    self.waiters += 1
                    break
                if reader.server:
                    candidate = self.pairing.candidate(
                        reader.offset, self.covered(reader), self.base(reader)
                    )
                    request = None if candidate is None else candidate.request
                    certain = candidate is not None or self.pairing.certain
                    reader.framer.expect(request, certain)
            answer = reader.framer.frame(data, at, ended)
            kind = answer.kind
            if kind == NEED:
                wanted = size - at + max(1, answer.length)
                if not ended and wanted <= self.settings.max_pending_bytes:
                    break
                if not ended:
                    self.settings.over_bounds += 1
                    reader.framer.reset()
                kind = REFUSE
            if kind == REFUSE:
                if answer.kind == REFUSE and answer.anomaly and not fresh:
                    reader.message.note(answer.anomaly)  # type: ignore[union-attr]
                if fresh:
                    reader.refused = True
                    reader.mode = SCANNING
                else:
                    self.break_message(reader)
                continue
            if kind == SKIP:
                count = min(size - at, max(1, answer.length))
                self.skip(reader, count)
                at += count
                continue
            if kind == TUNNEL:
                reader.forced = False
                self.begin_tunnel(answer.protocol, None)
                continue
            if fresh:
                self.begin_message(reader, answer, candidate)
            at = self.follow(reader, answer, data, at)
        if at < size:
            reader.pending = bytearray(data[at:])
            self.settings.waiting_bytes += size - at
            if wanted > LOOKED_AT_EACH_TIME:
                wanted = max(wanted, size - at + ((size - at) >> 5))
            reader.wanted = wanted
        if reader.message is not None and reader.offset > reader.now_offset:
            reader.message.last_frame = reader.now_frame
            reader.message.last_ns = reader.now_ns

    def follow(self, reader: Reader, answer: Answer, data: bytes, at: int) -> int:
        """Do what an answer says about a message; return what is left to read."""
        size = len(data)
        head = min(answer.head, size - at)
        if answer.anomaly is not None:
            reader.message.note(answer.anomaly)  # type: ignore[union-attr]
        at += head
        reader.offset += head
        length = answer.length - head
        if answer.kind == UNTIL_END:
            reader.mode = TO_END
            return at
        if answer.kind == BROKEN:
            length = min(length, size - at)
            if length > 0:
                self.add(reader, data, at, length)
                at += length
            self.break_message(reader)
            return at
        reader.mode = IN_BODY
        # No offset is beyond MAX_OFFSET, whatever somebody says of a length.
        reader.remaining = max(0, min(length, MAX_OFFSET - reader.offset))
        reader.more = answer.kind == PART
        if answer.tunnels:
            # Such a message has no body.
            opener = reader.message
            reader.remaining = 0
            self.end_message(reader, True)
            self.begin_tunnel(answer.protocol, opener)
        elif answer.blocks:
            reader.awaits = reader.exchange
        return at

    def begin_message(self, reader: Reader, answer: Answer, candidate: Any) -> None:
        """A message begins at the reader's offset."""
        if reader.skip_start >= 0:
            self.end_skip(reader)
        item = answer.item
        message = new_message() if item is None else item
        frame = reader.now_frame
        time_ns = reader.now_ns
        ack = reader.now_ack
        if reader.offset < reader.now_offset:
            mark = reader.mark(reader.offset)
            frame = mark.frame
            time_ns = mark.time_ns
            ack = mark.ack
        message.stream = self.stream
        message.direction = reader.direction
        message.swapped = self.swapped
        message.protocol = reader.framer.name
        message.known_by = self.known_by
        message.offset = reader.offset
        message.first_frame = message.last_frame = frame
        message.time_ns = message.last_ns = time_ns
        message.number = self.settings.messages
        self.settings.messages += 1
        reader.message = message
        reader.forced = False
        if self.pairing is None:
            return
        if not reader.server:
            server = self.server
            reader.exchange = self.pairing.request(
                message, ack, answer.head, server.offset, self.base(server)
            )
        elif answer.interim:
            message.interim = True
            self.pairing.add_interim(message)
        else:
            reader.exchange = self.pairing.response(
                message, candidate, self.covered(reader), self.base(reader)
            )

    def add(self, reader: Reader, data: bytes, at: int, count: int) -> None:
        """Add bytes to the body of the message."""
        message: Message = reader.message  # type: ignore[assignment]
        if message._body is None:
            self.begin_body(message)
        message._body.append(  # type: ignore[union-attr]
            data if count == len(data) else native.piece(data, at, at + count)
        )
        reader.offset += count

    def begin_body(self, message: Message) -> None:
        """The message has a body."""
        budget = self.settings.budget
        sink = None if budget.sink is None else budget.sink(message)
        message._body = new_body(budget, sink)

    def hole(self, reader: Reader, length: int, reason: str) -> None:
        """Leave out bytes of the message's body."""
        message: Message = reader.message  # type: ignore[assignment]
        if message._body is None:
            self.begin_body(message)
        message._body.hole(length, reason)  # type: ignore[union-attr]
        reader.offset += length

    def end_message(self, reader: Reader, whole: bool) -> None:
        """The message ends at the reader's offset."""
        message: Message = reader.message  # type: ignore[assignment]
        message.length = reader.offset - message.offset
        if reader.offset > reader.now_offset:
            message.last_frame = reader.now_frame
            message.last_ns = reader.now_ns
        elif reader.marks is not None and reader.marks[0].offset < reader.offset:
            mark = reader.mark(reader.offset - 1)
            message.last_frame = mark.frame
            message.last_ns = mark.time_ns
        body = message._body
        message.complete = whole and (body is None or body.holes is None)
        reader.message = None
        reader.mode = BOUNDARY
        exchange = reader.exchange
        reader.exchange = None
        if exchange is not None:
            if reader.awaits is not None and not whole:
                reader.awaits = None
            self.pairing.over(exchange)  # type: ignore[union-attr]
        elif self.pairing is None:
            if body is not None:
                body.release()
            self.settings.out.append(message)

    def break_message(self, reader: Reader) -> None:
        """Nobody can say where the message ends: it ends here."""
        reader.message.length_known = False  # type: ignore[union-attr]
        reader.framer.reset()
        self.end_message(reader, False)
        reader.broken_at = reader.offset
        reader.mode = SCANNING

    def skip(self, reader: Reader, count: int) -> None:
        """Pass over bytes that belong to no message."""
        if reader.skip_start < 0:
            mark = reader.mark(reader.offset)
            reader.skip_start = reader.offset
            reader.skip_frame = mark.frame
            reader.skip_ns = mark.time_ns
        reader.offset += count
        self.settings.skipped_bytes += count

    def end_skip(self, reader: Reader) -> None:
        """Report the range of such bytes."""
        if reader.skip_start < 0:
            return
        self.settings.out.append(
            Skipped(
                self.stream,
                reader.direction,
                reader.skip_start,
                reader.offset - reader.skip_start,
                reader.skip_frame,
                reader.skip_ns,
                self.swapped,
            )
        )
        reader.skip_start = -1

    # Tunnels.

    def begin_tunnel(self, protocol: str | None, opener: Message | None) -> None:
        """From where both halves are now, their bytes are of another protocol."""
        framer = self.framer.tunnel(protocol, opener)
        for reader in (self.client, self.server):
            if reader.mode == SCANNING and reader.pending is not None:
                # It came before, and is as little of the tunnel as what was skipped.
                count = len(reader.pending)
                reader.pending = None
                self.settings.waiting_bytes -= count
                self.skip(reader, count)
            self.end_skip(reader)
            if reader.message is not None:
                self.break_message(reader)
            reader.awaits = None
            reader.mode = IN_TUNNEL
            reader.tunnel_start = reader.offset
        self.protocol = "" if protocol is None else protocol
        if framer is not None:
            self.enter(framer, "upgrade")

    def enter(self, framer: Framer, known_by: str) -> None:
        """The bytes of the tunnel have a framer of their own."""
        if self.pairing is not None:
            self.close_pairing()
        self.framer = framer
        self.known_by = known_by
        self.protocol = None
        for reader in (self.client, self.server):
            reader.framer = framer.begin(1 if reader.server else 0, True)
            reader.mode = BOUNDARY
            if reader.offset > reader.tunnel_start:
                # Some of it is missing.
                reader.framer.reset()
                reader.mode = SCANNING
        if self.settings.pair and framer.pairs:
            self.pairing = Pairing(self.settings, self.stream, True)

    def close_pairing(self) -> None:
        """No more exchanges come of what was paired so far."""
        side = CLIENT if self.swapped else SERVER
        self.pairing.close(self.stream.packets(side) > 0)  # type: ignore[union-attr]
        self.pairing = None

    def tunnelled(self, reader: Reader, data: bytes, at: int, ended: bool) -> int:
        """Count the bytes of a tunnel; its first ones say what it carries."""
        if self.protocol == "":
            if len(data) - at < LONGEST_MAGIC and not ended:
                return at
            self.protocol = recognise(data, at)
            framer = self.framer.tunnel(self.protocol, None)
            if framer is not None:
                self.enter(framer, "content")
                return at
        count = len(data) - at
        reader.offset += count
        reader.tunnel_bytes += count
        self.settings.tunnel_bytes += count
        return at + count

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
        self.end_skip(reader)
        reader.ended = True
