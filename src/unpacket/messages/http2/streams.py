"""The streams of an HTTP/2 connection: each is an exchange (RFC 9113 section 5.1)."""

from typing import TYPE_CHECKING, Any

from unpacket._core.reassembly.events import Data, Gap
from unpacket.messages.body import new_body
from unpacket.messages.conversation import Conversation
from unpacket.messages.framer import Framer
from unpacket.messages.framers.websocket import WebSocket
from unpacket.messages.http2.frames import error_name
from unpacket.messages.http2.header_blocks import MISSING, Fields
from unpacket.messages.http2.heads import lines_of, request_of, response_of
from unpacket.messages.pairing import KNOWN, LOST, NONE, Exchange, new_exchange
from unpacket.messages.settings import Settings

if TYPE_CHECKING:
    from unpacket import Direction, Stream

# How many may be open. Servers allow some hundred.
MAX_OPEN = 4096


class Place:
    """Where something lies: its side, its first offset, and its packet.

    Attributes:
        stop: The offset behind it.
    """

    __slots__ = ("direction", "frame", "offset", "server", "stop", "time_ns")

    def __init__(
        self,
        direction: "Direction",
        server: bool,
        offset: int,
        frame: int,
        time_ns: int,
    ) -> None:
        self.direction = direction
        self.server = server
        self.offset = offset
        self.stop = offset
        self.frame = frame
        self.time_ns = time_ns


class OpenStream:
    """A stream that has not ended.

    Attributes:
        exchange: What it is.
        ended: Whether client and server have said all.
        cut: Whether frames of client and server may be missing.
        is_given: Whether the consumer has had the request.
        inner: What reads what the stream carries in place of bodies, or None.
    """

    __slots__ = ("cut", "ended", "exchange", "inner", "is_given")

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.ended = [False, False]
        self.cut = [False, False]
        self.is_given = False
        self.inner: Carried | None = None

    def message(self, server: bool) -> Any:
        """Return the message that a side is sending, or None."""
        exchange = self.exchange
        return exchange.response if server else exchange.request


class Streams:
    """All streams of a connection.

    Args:
        known_by: Why the connection is one of HTTP/2.
        swapped: Whether the roles of its ends are not those of the stream.
    """

    def __init__(
        self,
        stream: "Stream",
        settings: Settings,
        known_by: str | None,
        swapped: bool,
    ) -> None:
        self._stream = stream
        self._settings = settings
        self._known_by = known_by
        self._swapped = swapped
        self._open: dict[int, OpenStream] = {}
        # How many there were.
        self.count = 0
        # Beyond it no stream of the client, or of the server, has begun.
        self.latest = [0, 0]
        # Whether both sides are seen from their beginning on, without a gap.
        self.is_whole = [True, True]

    def lose(self, server: bool) -> None:
        """Frames of a side may be missing."""
        self.is_whole[server] = False
        for one in self._open.values():
            if not one.ended[server]:
                one.cut[server] = True

    def may_be(self, number: int) -> bool:
        """Return whether a stream of that number is likely."""
        return number in self._open or number <= self.latest[1 - number % 2] + 2000

    def headers(
        self, number: int, place: Place, fields: Fields | None, ends: bool
    ) -> None:
        """Take a header block of a side."""
        self._note_number(number)
        found = self._open.get(number)
        server = place.server
        if found is None:
            if not fields and number <= self.latest[1 - number % 2] and not ends:
                return
            found = self._begin(number)
        message = found.message(server)
        if message is not None:
            # Behind a body they are trailers.
            message.trailers_raw += lines_of(fields)
            self._touch(message, place)
        elif server:
            response = response_of(fields)
            self._fill(response, place)
            if fields is None:
                self._unread(response)
            if 100 <= response.status_code < 200 and not ends:
                response.interim = response.complete = True
                exchange = found.exchange
                exchange.interim_list = [*exchange.interim, response]
                return
            found.exchange.response = response
            if is_websocket(found.exchange):
                framer = WebSocket().opened(response)
                found.inner = Carried(self._stream, framer, self._settings)
        else:
            request = request_of(fields)
            self._fill(request, place)
            if fields is None:
                self._unread(request)
            found.exchange.request = request
        if ends:
            self.end(number, place)

    def upgrade(self, request: Any) -> None:
        """The first stream answers a request of HTTP/1 (RFC 7540 section 3.2).

        That one is in the exchange of the upgrade as well.
        """
        found = self._begin(1)
        found.exchange.request = request
        found.ended[0] = True
        found.is_given = True

    def promise(self, number: int, place: Place, fields: Fields | None) -> None:
        """The server says which request it answers unasked (RFC 9113 section 8.4)."""
        self._note_number(number)
        if number in self._open:
            return
        found = self._begin(number)
        request = request_of(fields)
        self._fill(request, place)
        request.note("pushed")
        if fields is None:
            self._unread(request)
        request.complete = True
        found.exchange.request = request
        found.ended[0] = True

    def data(self, number: int, first: Place, last: Place, content: bytes) -> None:
        """Take bytes of a body, from the first to the last of them."""
        found = self._open.get(number)
        if found is not None and found.inner is not None:
            self._touch(found.message(last.server), last)
            found.inner.data(first, content)
            return
        message = self._body_of(number, first)
        message._body.append(content)
        self._touch(message, last)

    def hole(self, number: int, place: Place, length: int, reason: str) -> None:
        """Bytes of a body are missing."""
        found = self._open.get(number)
        if found is not None and found.inner is not None:
            found.inner.gap(place, length, reason)
            return
        message = self._body_of(number, place)
        message._body.hole(length, reason)

    def end(self, number: int, place: Place) -> None:
        """A side has said all."""
        found = self._open.get(number)
        if found is None:
            return
        self._end(found, place.server, whole=True)
        if all(found.ended):
            self._give(number, found)

    def reset(self, number: int, code: int) -> None:
        """A side gives the stream up."""
        found = self._open.get(number)
        if found is None:
            return
        for server in (False, True):
            message = found.message(server)
            if message is not None and not found.ended[server]:
                message.note(f"reset: {error_name(code)}")
                self._end(found, server, whole=False)
        self._give(number, found)

    def close(self) -> None:
        """The connection has ended."""
        for number, found in list(self._open.items()):
            for server in (False, True):
                if not found.ended[server]:
                    self._end(found, server, whole=False)
            self._give(number, found)

    def _note_number(self, number: int) -> None:
        place = 1 - number % 2
        self.latest[place] = max(self.latest[place], number)

    def _begin(self, number: int) -> OpenStream:
        exchange = new_exchange(self._stream, self._settings.exchanges)
        self._settings.exchanges += 1
        self.count += 1
        found = self._open[number] = OpenStream(exchange)
        if len(self._open) > MAX_OPEN:
            self._settings.over_bounds += 1
            first = next(iter(self._open))
            self._give(first, self._open[first])
        return found

    def _fill(self, message: Any, place: Place) -> None:
        """A message begins."""
        message.stream = self._stream
        message.direction = place.direction
        message.swapped = self._swapped
        message.protocol = "http2"
        message.known_by = self._known_by
        message.offset = place.offset
        message.length = place.stop - place.offset
        message.first_frame = message.last_frame = place.frame
        message.time_ns = message.last_ns = place.time_ns
        message.number = self._settings.messages
        self._settings.messages += 1

    def _unread(self, message: Any) -> None:
        from unpacket.messages.http2.header_blocks import HeaderBlocks

        if HeaderBlocks(True).is_missing:
            message.note(MISSING)

    def _touch(self, message: Any, place: Place) -> None:
        """Something of a message came."""
        message.length = max(message.length, place.stop - message.offset)
        message.last_frame = place.frame
        message.last_ns = place.time_ns

    def _body_of(self, number: int, place: Place) -> Any:
        """Return the message of which a body goes on; it may have begun unseen."""
        self._note_number(number)
        found = self._open.get(number)
        if found is None:
            found = self._begin(number)
            found.cut[place.server] = True
        message = found.message(place.server)
        if message is None:
            message = response_of(None) if place.server else request_of(None)
            self._fill(message, place)
            found.cut[place.server] = True
            if place.server:
                found.exchange.response = message
            else:
                found.exchange.request = message
        if message._body is None:
            budget = self._settings.budget
            sink = None if budget.sink is None else budget.sink(message)
            message._body = new_body(budget, sink)
        return message

    def _end(self, found: OpenStream, server: bool, *, whole: bool) -> None:
        found.ended[server] = True
        message = found.message(server)
        if message is None:
            return
        cut = found.cut[server]
        if cut:
            message.note("frames-lost")
        body = message._body
        message.length_known = whole
        declared = message.declared
        length = 0 if body is None else body.length
        if cut and whole and declared == length:
            # As many bytes as were declared: what was lost was not of it.
            cut = False
        message.complete = whole and not cut and (body is None or body.holes is None)

    def _give(self, number: int, found: OpenStream) -> None:
        """Let the consumer have an exchange."""
        self._open.pop(number, None)
        if found.inner is not None:
            found.inner.close()
        exchange = found.exchange
        both = exchange.request is not None and exchange.response is not None
        if both:
            exchange.pairing = KNOWN
        else:
            # Whose other side was not seen whole may have had it.
            other = exchange.request is not None
            exchange.pairing = NONE if self.is_whole[other] else LOST
        if exchange.request is None and exchange.response is None:
            exchange.response = response_of(None)
            exchange.response.stream = self._stream
        for message in (exchange.request, exchange.response):
            if message is not None and message._body is not None:
                message._body.release()
        if self._settings.pair:
            self._settings.out.append(exchange)
        else:
            first = None if found.is_given else exchange.request
            messages = (first, *exchange.interim, exchange.response)
            self._settings.out.extend(one for one in messages if one is not None)


class Carried:
    """Another protocol that a stream carries, as one of TCP would (RFC 8441).

    Offsets of its messages count in what each side has sent of it.
    """

    def __init__(self, stream: "Stream", framer: Framer, settings: Settings) -> None:
        self._conversation = Conversation(stream, framer, settings)
        self._stream = stream
        self._offsets = [0, 0]

    def data(self, place: Place, content: bytes) -> None:
        """Take the next bytes of a side."""
        offset = self._offsets[place.server]
        self._offsets[place.server] += len(content)
        self._conversation.data(
            Data(
                self._stream,
                place.direction,
                offset,
                content,
                place.frame,
                place.time_ns,
            )
        )

    def gap(self, place: Place, length: int, reason: str) -> None:
        """Let the next bytes of a side be missing."""
        offset = self._offsets[place.server]
        self._offsets[place.server] += length
        self._conversation.gap(
            Gap(
                self._stream,
                place.direction,
                offset,
                length,
                reason,
                place.frame,
                place.time_ns,
            )
        )

    def close(self) -> None:
        """The stream has ended."""
        self._conversation.closed()


def is_websocket(exchange: Exchange) -> bool:
    """Return whether an exchange opens a WebSocket (RFC 8441 section 4)."""
    request, response = exchange.request, exchange.response
    return (
        request is not None
        and request.method == "CONNECT"
        and (request.header("upgrade") or "").lower() == "websocket"
        and 200 <= response.status_code < 300
    )
