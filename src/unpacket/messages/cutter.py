"""The bytes of a half become messages: the one loop that asks a framer.

Whatever is asked of a framer is asked in ``run``; its loop either uses bytes up,
changes the mode, or stops, so that no framer can hold it.
"""

from typing import Any

from unpacket._core.reassembly.direction import CLIENT, SERVER
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
from unpacket.messages.halves import Halves
from unpacket.messages.native import find as native
from unpacket.messages.pairing import Pairing
from unpacket.messages.reader import Reader
from unpacket.messages.results import Message, Skipped, new_message
from unpacket.messages.tunnels import LONGEST_MAGIC, recognise

# What says that a record of TLS follows.
TLS_MAGIC = 2

# Beyond so much, waiting bytes are looked at again only once there is a 32nd more of
# them: or else each byte that comes alone would cost as much as all before it.
LOOKED_AT_EACH_TIME = 16 << 10


class Cutter(Halves):
    """Cuts what a reader is given, and says what becomes of a message and a tunnel."""

    __slots__ = ()

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

    def begin_tunnel(self, protocol: str | None, opener: Message | None) -> None:
        """From where both halves are now, their bytes are of another protocol."""
        # Where TLS was decrypted the same protocol goes on, in what it carries.
        self.upgrading = protocol == "tls"
        framer = None if self.upgrading else self.framer.tunnel(protocol, opener)
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
        self.protocol = "" if protocol is None or self.upgrading else protocol
        if framer is not None:
            known_by = "content" if opener is None else "upgrade"
            self.enter(framer, self.known_by if framer is self.framer else known_by)

    def enter(self, framer: Framer, known_by: str | None) -> None:
        """The bytes of the tunnel have a framer of their own."""
        if self.pairing is not None:
            self.close_pairing()
        whole = framer is not self.framer or not self.stream.is_partial
        self.framer = framer
        self.known_by = known_by
        self.protocol = None
        if framer.multiplexes:
            # Behind an upgrade the first answer is to the request that asked for it.
            asked = None
            if known_by == "upgrade":
                asked = getattr(self.server.framer, "request", None)
            self.inner = framer.connection(  # type: ignore[attr-defined]
                self.stream, self.settings, known_by, self.swapped, whole, asked
            )
            return
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
        if self.inner is not None:
            count = len(data) - at
            self.inner.data(reader, data[at:] if at else data)
            reader.offset += count
            reader.tunnel_bytes += count
            return at + count
        if self.protocol == "":
            least = TLS_MAGIC if self.upgrading else LONGEST_MAGIC
            if len(data) - at < least and not ended:
                return at
            self.protocol = recognise(data, at)
            framer = self.framer.tunnel(self.protocol, None)
            known_by: str | None = "content"
            if self.upgrading:
                known_by = "upgrade"
                if self.protocol != "tls":
                    framer = self.framer
                    known_by = self.known_by
                self.upgrading = False
            if framer is not None:
                self.enter(framer, known_by)
                return at
        count = len(data) - at
        reader.offset += count
        reader.tunnel_bytes += count
        self.settings.tunnel_bytes += count
        return at + count
