"""The two halves of a stream, and what each has to know of the other.

They are one room, since each may decide about the other: a response is cut by what
its request was, and behind "CONNECT" the client's bytes depend on the answer.
"""

from typing import TYPE_CHECKING, Any

from unpacket._core.reassembly.direction import CLIENT, SERVER
from unpacket._core.sequence import unwrap, wrap
from unpacket.messages.framer import Framer
from unpacket.messages.pairing import Pairing
from unpacket.messages.reader import Reader
from unpacket.messages.settings import Settings

if TYPE_CHECKING:
    from unpacket import Stream

# More than any unsigned offset; `must_wait` compares with it.
NOWHERE = -1


class Halves:
    """What is known of both.

    Attributes:
        stream: The ``Stream``.
        framer: What its readers' framers come from.
        known_by: Why it is that one; None if the caller chose it.
        swapped: Whether content contradicts the roles of ``stream``.
        protocol: What the tunnel carries that both are in, "" until that is known;
            None outside of one.
        waiters: How many of the two are blocked.
        client_spoke: Whether anything came of the client, if only a gap.
        closing: Whether nothing follows, so that nobody has to wait.
        inner: What reads both halves of a tunnel whose framer multiplexes, or None.
        upgrading: Whether both go on with TLS, or with what it carries.
    """

    __slots__ = (
        "client",
        "client_spoke",
        "closing",
        "framer",
        "inner",
        "known_by",
        "pairing",
        "protocol",
        "server",
        "settings",
        "stream",
        "swapped",
        "upgrading",
        "waiters",
    )

    pairing: Pairing | None
    known_by: str | None
    protocol: str | None

    def __init__(self, stream: "Stream", framer: Framer, settings: Settings) -> None:
        whole = not stream.is_partial
        self.stream = stream
        self.framer = framer
        self.known_by = None
        self.inner: Any = None
        self.upgrading = False
        self.settings = settings
        self.swapped = False
        self.protocol = None
        self.client = Reader(CLIENT, False, framer.begin(0, whole))
        self.server = Reader(SERVER, True, framer.begin(1, whole))
        self.pairing = None
        if settings.pair and framer.pairs:
            self.pairing = Pairing(settings, stream, whole)
        self.waiters = 0
        self.client_spoke = False
        self.closing = False

    def reader(self, from_server: bool) -> Reader:
        """Return the reader of what an end of the stream has sent."""
        return self.server if from_server != self.swapped else self.client

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
