"""Which response answers which request (RFC 9112 section 9.2).

Responses come in the order of their requests, until a hole may hide one of either.
From there on nothing is paired by counting. It is known again at a request R that
acknowledges just what lies before a response: who sent R had seen everything up to
there, so the response is R's own, unless an earlier request was still unanswered.
What speaks against that:

* the packet of the response does not acknowledge R: it was sent before R came;
* R comes right behind a hole, and nothing that the server sent before acknowledges
  what lay in it: a request in the hole may be of one burst with R;
* the client was seen to let a window of requests slide: to send one more for each
  answer, while others are on their way. Then nothing is known again;
* too little was seen of the client to say that, and there are not enough responses,
  seen or hidden, for all requests before R.
"""

from typing import TYPE_CHECKING, Any

from unpacket._core.sequence import delta, wrap
from unpacket.messages.native import garbage
from unpacket.messages.settings import Settings

if TYPE_CHECKING:
    from unpacket import Endpoint, Stream
    from unpacket.messages.results import Message

KNOWN = "known"
NONE = "none"
LOST = "lost"
UNKNOWN = "unknown"

# Of a client that was seen to ask less often nobody can say how it does.
FEW = 4


class Exchange:
    """A request and what answers it; one of the two may be missing.

    Attributes:
        stream: The ``Stream`` that carried both.
        pairing: ``known``; ``none`` (no answer came, or nobody asked); ``lost`` (the
            other was not captured); ``unknown`` (it may be there, and nobody can say
            which it is).
        request, response: The messages, or None.
        number: How many exchanges of the layer began before.
    """

    __slots__ = (
        "ack",
        "head_bytes",
        "interim_list",
        "number",
        "open_messages",
        "pairing",
        "request",
        "response",
        "stream",
    )

    stream: "Stream"
    pairing: str | None
    number: int
    ack: int
    head_bytes: int
    open_messages: int
    request: Any
    response: Any
    interim_list: list[Any] | None

    @property
    def interim(self) -> list[Any]:
        """The interim responses that came before the response."""
        return list(self.interim_list or ())

    @property
    def client(self) -> "Endpoint":
        """The end that asks."""
        return self.first.client  # type: ignore[no-any-return]

    @property
    def server(self) -> "Endpoint":
        """The end that answers."""
        return self.first.server  # type: ignore[no-any-return]

    @property
    def first(self) -> Any:
        """The message that came first: the request, if there is one."""
        return self.response if self.request is None else self.request

    @property
    def time_ns(self) -> int:
        """The capture time of its first byte."""
        if self.request is None or self.response is None:
            return self.first.time_ns  # type: ignore[no-any-return]
        return min(self.request.time_ns, self.response.time_ns)  # type: ignore[no-any-return]

    @property
    def latency_ns(self) -> int | None:
        """The time from the last byte of the request to the first of the response."""
        if self.request is None or self.response is None:
            return None
        return self.response.time_ns - self.request.last_ns  # type: ignore[no-any-return]

    @property
    def complete(self) -> bool:
        """Whether both are there, and whole."""
        return (
            self.request is not None
            and self.response is not None
            and self.request.complete
            and self.response.complete
        )

    def body_bytes(self) -> int:
        """Return what its bodies take in memory."""
        found = 0
        message = self.request
        if message is not None and message._body is not None:
            found += message._body.memory_bytes
        message = self.response
        if message is not None and message._body is not None:
            found += message._body.memory_bytes
        return found

    def __str__(self) -> str:
        asked = "(no request)" if self.request is None else str(self.request)
        answered = "(no response)" if self.response is None else str(self.response)
        return f"{asked} -> {answered}"

    def __repr__(self) -> str:
        return f"Exchange(stream={self.stream.id}, pairing={self.pairing!r}, {self})"


def new_exchange(stream: "Stream", number: int) -> Exchange:
    """Return an exchange without messages."""
    exchange = Exchange.__new__(Exchange)
    # What it has does not know it.
    garbage.leave_alone(exchange)
    exchange.stream = stream
    exchange.number = number
    exchange.pairing = None
    exchange.request = None
    exchange.response = None
    exchange.interim_list = None
    exchange.ack = -1
    exchange.head_bytes = 0
    exchange.open_messages = 0
    return exchange


class Pairing:
    """Pairs the messages of one stream.

    Attributes:
        waiting: Exchanges whose response has not begun, in the order of requests.
        loose: Responses of which nobody knows yet what they answer.
        certain: Whether the next response answers the first that waits.
        blind: Whether responses may be hidden, since that was last known.
        holes: Ranges of the server's half that may hide them.
        unseen: Ranges of the client's half that may hide requests; whether they hide
            a beginning for sure.
        asked_unseen: Whether requests may be hidden.
        sliding: Whether the client does not wait for the answers to a burst.
    """

    __slots__ = (
        "asked_unseen",
        "blind",
        "certain",
        "covered",
        "holes",
        "interim",
        "known",
        "loose",
        "settings",
        "sliding",
        "stream",
        "unseen",
        "waiting",
    )

    waiting: list[Exchange]
    loose: list[Exchange]
    holes: list[tuple[int, int]]
    unseen: list[tuple[int, int, bool]]
    interim: list[Any] | None

    def __init__(self, settings: Settings, stream: "Stream", certain: bool) -> None:
        self.settings = settings
        self.stream = stream
        self.certain = certain
        self.blind = not certain
        self.waiting = []
        self.loose = []
        self.holes = []
        self.unseen = []
        self.interim = None
        self.asked_unseen = not certain
        self.sliding = False
        # How many pairs were known so far, and up to where the server has
        # acknowledged what the client sent, when it began a response.
        self.known = 0
        self.covered = 0

    def request(
        self, message: "Message", ack: int, head_bytes: int, answered: int, base: int
    ) -> Exchange:
        """Take a request that begins.

        Args:
            ack: What its first packet acknowledged, a sequence number, or -1.
            answered: Up to where the server's half has been read.
            base: The sequence number of its offset 0, or -1.
        """
        if self.waiting and ack >= 0 and base >= 0 and not self.blind:
            latest: Exchange = self.waiting[len(self.waiting) - 1]
            if latest.ack != ack and not self.loose:
                # Sent when something new had come, and yet others were unanswered.
                ahead = delta(wrap(answered, base), ack)
                self.sliding = self.sliding or ahead >= 0
        exchange = self.begin()
        exchange.request = message
        exchange.open_messages = 1
        exchange.ack = ack
        exchange.head_bytes = head_bytes
        self.settings.waiting_bytes += head_bytes
        self.waiting.append(exchange)
        if (
            len(self.waiting) > self.settings.max_unanswered
            or self.settings.waiting_bytes > self.settings.max_waiting_bytes
        ) and len(self.waiting) > 1:
            self.settings.over_bounds += 1
            self.certain = False
            self.blind = True
            self.decide(self.waiting.pop(0), UNKNOWN)
        return exchange

    def begin(self) -> Exchange:
        """Return the next exchange of the layer."""
        exchange = new_exchange(self.stream, self.settings.exchanges)
        self.settings.exchanges += 1
        return exchange

    def candidate(self, offset: int, covered: int, base: int) -> Exchange | None:
        """Return what a response that begins at ``offset`` answers; None if unknown.

        Args:
            covered: Up to where its packet acknowledged the client's half; -1 if
                that is not known.
            base: The sequence number of offset 0 of the server's half, or -1.
        """
        if self.in_order():
            return self.waiting[0] if self.waiting else None
        if base < 0 or self.sliding:
            return None
        earlier = 0
        sought = wrap(offset, base)
        # Where the request before began, and what it acknowledged.
        before = -1
        for exchange in self.waiting:
            start = exchange.request.offset
            if exchange.ack == sought:
                if 0 <= covered <= start:
                    return None
                hidden = 0
                for hole_start, hole_stop, begins in self.unseen:
                    if hole_start < start:
                        hidden += begins
                        if before < hole_stop and self.covered < hole_stop:
                            return None
                if self.known < FEW and earlier + hidden > 0:
                    if earlier + hidden > len(self.loose) + self.hidden(earlier, base):
                        return None
                return exchange
            before = start
            earlier += 1
        return None

    def in_order(self) -> bool:
        """Return whether the next response answers the first request that waits."""
        if self.blind:
            return False
        if not self.unseen:
            return True
        # Those before a hole of the client's half have lost nothing.
        return (
            len(self.waiting) > 0
            and self.waiting[0].request.offset < self.unseen[0][0]
            and not self.loose
        )

    def hidden(self, count: int, base: int) -> int:
        """Return how many responses the holes may hide, in front of a request.

        One each, and one more for each of the first ``count`` requests that wait and
        acknowledge a part of it: those before them were answered within.
        """
        found = len(self.holes)
        acked = set()
        for exchange in self.waiting:
            if count == 0:
                break
            count -= 1
            acked.add(exchange.ack)
        for start, stop in self.holes:
            for ack in acked:
                ahead = wrap(ack - start, -base)
                if 0 < ahead < stop - start:
                    found += 1
        return found

    def response(
        self, message: "Message", exchange: Exchange | None, covered: int, base: int
    ) -> Exchange:
        """Take a final response that begins, and what ``candidate`` said of it.

        ``covered`` and ``base`` are those of ``candidate``.
        """
        if exchange is None:
            exchange = self.begin()
            if self.certain:
                exchange.pairing = NONE
            else:
                self.loose.append(exchange)
                if len(self.loose) > self.settings.max_unanswered:
                    self.settings.over_bounds += 1
                    self.decide(self.loose.pop(0), UNKNOWN)
        else:
            if not self.in_order():
                self.resolve(exchange)
                self.blind = False
                start = exchange.request.offset
                self.unseen = [hole for hole in self.unseen if hole[0] > start]
                self.certain = not self.unseen
                self.asked_unseen = not self.certain
            self.waiting.pop(0)
            self.settings.waiting_bytes -= exchange.head_bytes
            exchange.head_bytes = 0
            exchange.pairing = KNOWN
            self.known += 1
            if self.waiting and base >= 0 and not self.sliding:
                following: Exchange = self.waiting[0]
                if following.ack >= 0 and following.ack != exchange.ack:
                    ahead = delta(wrap(message.offset, base), following.ack)
                    self.sliding = ahead >= 0
        exchange.response = message
        exchange.open_messages += 1
        if covered > self.covered:
            self.covered = covered
        if self.interim is not None:
            exchange.interim_list = self.interim
            self.interim = None
        return exchange

    def add_interim(self, message: "Message") -> None:
        """Take an interim response that begins."""
        if self.interim is None:
            self.interim = []
        self.interim.append(message)

    def resolve(self, until: Exchange | None) -> None:
        """Decide about all before an exchange, or about all that there is."""
        requests = []
        while self.waiting and self.waiting[0] is not until:
            requests.append(self.waiting.pop(0))
        responses = self.loose
        self.loose = []
        word = UNKNOWN
        if not responses:
            word = LOST if self.holes else NONE
        elif not requests:
            word = LOST if self.asked_unseen else NONE
        for exchange in requests:
            self.decide(exchange, word)
        for exchange in responses:
            self.decide(exchange, word)
        self.holes = []

    def decide(self, exchange: Exchange, pairing: str) -> None:
        """Say how an exchange is paired; it is given out once it is over."""
        exchange.pairing = pairing
        self.settings.waiting_bytes -= exchange.head_bytes
        exchange.head_bytes = 0
        if exchange.open_messages == 0:
            self.give_out(exchange)

    def hole(self, server: bool, start: int, stop: int, cut: bool) -> None:
        """A hole may hide messages of a half.

        Args:
            cut: Whether it begins within a message, and so may hide no other.
        """
        self.certain = False
        most = self.settings.max_unanswered
        if not server:
            self.asked_unseen = True
            last = self.unseen[len(self.unseen) - 1] if self.unseen else None
            if last is not None and (last[1] == start or len(self.unseen) >= most):
                self.unseen[len(self.unseen) - 1] = (last[0], stop, last[2])
            else:
                self.unseen.append((start, stop, not cut))
            return
        self.blind = True
        if self.holes and self.holes[len(self.holes) - 1][1] == start:
            # One loss that the assembler learned in two steps.
            self.holes[len(self.holes) - 1] = (self.holes[len(self.holes) - 1][0], stop)
        elif len(self.holes) < most:
            self.holes.append((start, stop))

    def over(self, exchange: Exchange) -> None:
        """A message of the exchange has ended."""
        exchange.open_messages -= 1
        if exchange.open_messages == 0 and exchange.pairing is not None:
            self.give_out(exchange)

    def give_out(self, exchange: Exchange) -> None:
        """Let the consumer have an exchange."""
        message = exchange.request
        if message is not None and message._body is not None:
            message._body.release()
        message = exchange.response
        if message is not None and message._body is not None:
            message._body.release()
        self.settings.out.append(exchange)

    def close(self, server_seen: bool) -> None:
        """The stream has ended."""
        if not server_seen:
            # One side was captured: answers were sent, and are not here.
            self.holes.append((0, 0))
        if self.interim is not None:
            # Their final response never came.
            if self.waiting:
                self.waiting[0].interim_list = self.interim
            else:
                self.settings.out.extend(self.interim)
        self.resolve(None)
