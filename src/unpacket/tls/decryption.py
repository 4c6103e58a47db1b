"""Events in, events out: those of TLS streams become those of what they carry.

TLS begins where a client hello does: at the first byte of a stream, or, behind
STARTTLS or CONNECT, at that of a later packet. From there on ``Data`` and ``Gap`` are
of what the records carry, with offsets in it and with the frames that brought each
byte; what is reported of segments (``Conflict``, ``Rejected``, ``Note``) stays as it
is. A stream that cannot be decrypted passes as it is, and ``failures`` says why.

Until a first record was opened nobody knows that one can be: so long the events of a
stream are held back, within bounds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from unpacket._core.reassembly.events import (
    Closed,
    Data,
    Finished,
    Gap,
    Urgent,
)
from unpacket.tls.ciphers import check
from unpacket.tls.connection import NOT_CAPTURED, Connection
from unpacket.tls.key_log import KeyLog, Keys, key_log
from unpacket.tls.keys_12 import Sessions
from unpacket.tls.records import RECORD

if TYPE_CHECKING:
    from unpacket import Stream
    from unpacket.sources.formats.notes import Secrets

# A handshake begins so, as far as that has come; its server's part as well.
CLIENT_BEGINS = re.compile(rb"\x16\x03[\x00-\x04]..\x01", re.DOTALL)
HELLO = re.compile(
    rb"\x16(?:\Z|\x03(?:\Z|[\x00-\x04](?:\Z|.(?:\Z|.(?:\Z|[\x01\x02])))))", re.DOTALL
)

# What may wait of a stream for its keys, and of all streams.
HELD_BYTES = 2 << 20
MAX_HELD_BYTES = 64 << 20

# What an event takes beside its bytes.
EVENT_BYTES = 200

# How often TLS may seem to begin in a stream.
MAX_BEGINNINGS = 16

# Of so many streams each is named that could not be decrypted.
MAX_FAILURES = 1000


class Failure(NamedTuple):
    """Why a stream was not decrypted.

    Attributes:
        stream: Its id.
        reason: In lower case, without a full stop.
    """

    stream: int
    reason: str


class Watched:
    """What is known of a stream.

    Attributes:
        received: Up to where there was something, by direction.
        connection: Its TLS; None as long as none has begun.
        held: What waits for it to be decided, or None.
        passes: Whether it is not looked at any more.
        is_late: Whether it has records, and not their handshake.
    """

    __slots__ = (
        "beginnings",
        "connection",
        "given",
        "held",
        "held_bytes",
        "is_late",
        "passes",
        "received",
        "starts",
        "version",
    )

    def __init__(self) -> None:
        self.received = [0, 0]
        self.connection: Connection | None = None
        self.held: list[Any] | None = None
        self.held_bytes = 0
        # What the connection has given while it was not decided.
        self.given: list[Any] = []
        self.passes = False
        self.is_late = False
        self.beginnings = 0
        self.starts = (0, 0)
        self.version = 0


class Decryption:
    """Decrypts the TLS in streams.

    Args:
        keys: Paths of key logs, one or several; without any only secrets that a
            capture has itself are used, see ``attach``.
        held_bytes: How much of a stream may wait for its keys.
        max_held_bytes: The same of all streams.

    Attributes:
        log: The secrets.
        decrypted: How many streams were decrypted, at least in part.
        failures: The first streams that were not, and why.
        reasons: How many streams there are for each reason.
        waiting_bytes: How much waits.

    Raises:
        MissingCiphers: The library ``cryptography`` is not installed.
        SourceError: A file cannot be read.
    """

    def __init__(
        self,
        keys: Keys = (),
        *,
        held_bytes: int = HELD_BYTES,
        max_held_bytes: int = MAX_HELD_BYTES,
    ) -> None:
        check()
        self.log: KeyLog = key_log(keys)
        self.decrypted = 0
        self.failures: list[Failure] = []
        self.reasons: Counter[str] = Counter()
        self.waiting_bytes = 0
        self._held_bytes = held_bytes
        self._max_held_bytes = max_held_bytes
        self._sessions = Sessions()
        self._watched: dict[Stream, Watched] = {}
        # What was looked up last.
        self._latest: Stream | None = None
        self._latest_watched: Watched | None = None
        self._out: list[Any] = []

    def attach(self, secrets: list[Secrets]) -> None:
        """Use the secrets of a capture too, ``Notes.secrets``, as they come."""
        self.log.attach(secrets)

    def feed(self, events: Iterable[Any]) -> list[Any]:
        """Take events; return those that take their place."""
        for event in events:
            stream = event.stream
            if stream is self._latest:
                watched = self._latest_watched
            else:
                watched = self._watched.get(stream)
                self._latest = stream
                self._latest_watched = watched
            if watched is None:
                if type(event) is Closed:
                    self._out.append(event)
                    continue
                watched = self._watched[stream] = self._latest_watched = Watched()
            if watched.passes:
                self._out.append(event)
                if type(event) is Closed:
                    self._forget(stream)
            elif watched.connection is None:
                self._plain(watched, event)
            elif watched.held is None:
                self._carried(watched, event)
            else:
                self._hold(watched, event)
        out, self._out = self._out, []
        return out

    def finish(self) -> list[Any]:
        """Give what still waits: no more events follow."""
        for stream, watched in list(self._watched.items()):
            if watched.held is not None:
                self._decide(watched)
                if watched.held is not None:
                    self._give_up(stream, watched)
        out, self._out = self._out, []
        return out

    def _forget(self, stream: Stream) -> None:
        """Nothing follows of a stream."""
        self._watched.pop(stream, None)
        self._latest = self._latest_watched = None

    # Before TLS.

    def _plain(self, watched: Watched, event: Any) -> None:
        """Take an event of a stream in which no TLS has begun."""
        kind = type(event)
        if kind is Data:
            side = int(event.direction)
            if HELLO.match(event.payload) and self._may_begin(watched, event, side):
                watched.beginnings += 1
                starts = list(watched.received)
                starts[side] = event.offset
                watched.starts = (starts[0], starts[1])
                self._begin(watched, event.stream)
                watched.held = []
                self._hold(watched, event)
                return
            if (
                not watched.is_late
                and (event.stream.is_partial or not any(watched.received))
                and RECORD.match(event.payload)
            ):
                watched.is_late = True
                self._fail(event.stream, NOT_CAPTURED)
            watched.received[side] = event.offset + len(event.payload)
        elif kind is Gap:
            watched.received[event.direction] = event.offset + event.length
        elif kind is Urgent:
            watched.received[event.direction] = event.offset + 1
        elif kind is Closed:
            self._forget(event.stream)
        self._out.append(event)

    def _may_begin(self, watched: Watched, event: Data, side: int) -> bool:
        """Return whether TLS may begin with a packet."""
        if watched.beginnings >= MAX_BEGINNINGS:
            return False
        if not any(watched.received):
            return True
        # Behind other bytes a client has to begin it.
        return len(event.payload) < 6 or CLIENT_BEGINS.match(event.payload) is not None

    def _begin(self, watched: Watched, stream: Stream) -> Connection:
        """Let TLS begin in a stream, as far as anybody can tell."""
        watched.given = []
        watched.version = self.log.version
        connection = Connection(
            stream, watched.starts, self.log, self._sessions, watched.given.append
        )
        watched.connection = connection
        return connection

    # Until it is decided.

    def _hold(self, watched: Watched, event: Any) -> None:
        """Take an event of a stream of which no record was opened yet."""
        held = watched.held
        connection = watched.connection
        assert held is not None
        assert connection is not None
        held.append(event)
        size = EVENT_BYTES
        if type(event) is Data:
            size += len(event.payload)
        watched.held_bytes += size
        self.waiting_bytes += size
        if not connection.stopped:
            self._take(connection, event, watched.given)
        self._decide(watched)
        if watched.held is None:
            return
        assert watched.connection is not None
        hopeless = watched.connection.stopped and not watched.connection.lacks_keys
        if (
            hopeless
            or type(event) is Closed
            or watched.held_bytes > self._held_bytes
            or self.waiting_bytes > self._max_held_bytes
        ):
            self._give_up(event.stream, watched)

    def _decide(self, watched: Watched) -> None:
        """Go on with a stream if a record was opened, or might be by now."""
        connection = watched.connection
        assert connection is not None
        if connection.stopped and connection.lacks_keys:
            self.log.poll()
            if self.log.version != watched.version and watched.held is not None:
                # From the beginning, with the keys that have come.
                connection = self._begin(watched, connection.stream)
                for event in watched.held:
                    if connection.stopped:
                        break
                    self._take(connection, event, watched.given)
        if connection.decided:
            self.decrypted += 1
            self.waiting_bytes -= watched.held_bytes
            watched.held_bytes = 0
            held = watched.held or ()
            watched.held = None
            self._out += watched.given
            watched.given = []
            connection.emit = self._emit
            if any(type(event) is Closed for event in held):
                self._forget(connection.stream)

    def _give_up(self, stream: Stream, watched: Watched) -> None:
        """Let a stream pass as it is."""
        connection = watched.connection
        assert connection is not None
        held = watched.held or []
        self.waiting_bytes -= watched.held_bytes
        watched.held_bytes = 0
        watched.held = None
        watched.given = []
        watched.connection = None
        reason = connection.reason or "its handshake did not end"
        is_tls = bool(connection.random or connection.server_hello is not None)
        first = held.pop(0)
        if is_tls or not held:
            watched.passes = is_tls
        self._out.append(first)
        if is_tls:
            self._fail(stream, reason)
            self._out += held
            if held and type(held[len(held) - 1]) is Closed:
                self._forget(stream)
            return
        if type(first) is Data:
            watched.received[first.direction] = first.offset + len(first.payload)
        # It is no TLS, and may begin later.
        for event in held:
            if watched.connection is None:
                self._plain(watched, event)
            elif watched.held is None:
                self._carried(watched, event)
            else:
                self._hold(watched, event)

    def _fail(self, stream: Stream, reason: str) -> None:
        kept = reason.partition(" random ")[0]
        self.reasons[kept] += 1
        if len(self.failures) < MAX_FAILURES:
            self.failures.append(Failure(stream.id, reason))

    # Decrypted.

    def _emit(self, event: Any) -> None:
        self._out.append(event)

    def _carried(self, watched: Watched, event: Any) -> None:
        """Take an event of a stream that is decrypted."""
        connection = watched.connection
        assert connection is not None
        self._take(connection, event, self._out)
        if type(event) is Closed:
            self._forget(event.stream)

    def _take(self, connection: Connection, event: Any, out: list[Any]) -> None:
        """Let a connection have an event."""
        kind = type(event)
        if kind is Data:
            connection.halves[event.direction].data(event)
        elif kind is Gap:
            connection.halves[event.direction].gap(event)
        elif kind is Urgent:
            # It is no part of what is read as records.
            half = connection.halves[event.direction]
            if not half.pending:
                half.start = event.offset + 1
        elif kind is Finished:
            connection.halves[event.direction].end(at_end=False)
            out.append(event)
        elif kind is Closed:
            connection.closed()
            out.append(event)
        else:
            out.append(event)


def explained(decryption: Decryption, most: int = 3) -> list[str]:
    """Return a sentence for each stream that was not decrypted, up to so many."""
    found = [
        f"stream {one.stream} is not decrypted: {one.reason}"
        for one in decryption.failures[:most]
    ]
    more = sum(decryption.reasons.values()) - len(found)
    if more > 0:
        found.append(f"nor are {more} other streams of TLS")
    return found
