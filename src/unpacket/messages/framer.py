"""The one thing that a protocol has to say: where its messages begin and end.

A framer knows bytes and nothing else. Chunk borders, gaps, ends, mid-stream starts
and the search after a loss are the business of the layer (``conversation``).
"""

from typing import TYPE_CHECKING

from unpacket.messages.answers import Answer, refuse
from unpacket.messages.constants import CANNOT_SAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unpacket.messages.results import Message

# What `side` returns where it cannot say.
UNDECIDED = -1


class Framer:
    """Cuts one half into messages; to be subclassed.

    A framer with a state of its own makes a new one for each half (``begin``). One
    without may serve all of them.

    Attributes:
        name: What its messages are called.
        pairs: Whether each message of the server answers one of the client; then
            ``unpacket.messages.exchanges`` pairs them.
        ports: Ports of servers that usually speak the protocol; ``detect`` looks at
            them where the bytes do not say what they are.
        detects: Whether it is no framer itself and has ``choose``, which returns
            the one of a stream, see ``Detect``.
        multiplexes: Whether messages of several exchanges are mixed in a half, so
            that no half can be cut by itself. Then it has ``connection``, which
            returns what reads both, see ``http2``.
    """

    name = "messages"
    pairs = False
    ports = tuple[int, ...]()
    detects = False
    multiplexes = False

    def begin(self, direction: int, whole: bool) -> "Framer":
        """Return the framer of a half that begins.

        Args:
            direction: 0 for what the client sent, 1 for the server.
            whole: Whether the stream is seen from its beginning on.
        """
        return self

    def frame(self, data: bytes, start: int, ended: bool) -> Answer:
        """Say what begins, or goes on, at ``data[start]``.

        Args:
            data: Contiguous bytes of the half; those before ``start`` are done with.
            ended: Whether nothing follows them: a gap, or the end of the half. Then
                an answer of ``need`` refuses them.
        """
        return refuse()

    def find_start(self, data: bytes, start: int, ended: bool) -> int:
        """Return the first offset from ``start`` on at which a message may begin.

        That is ``len(data)`` where there is none. By default every one is tried.
        """
        return start

    def side(self, data: bytes, ended: bool) -> int:
        """Return who sends such bytes: 0 the client, 1 the server, -1 nobody knows.

        Asked only where the handshake was not captured, of the first bytes.
        """
        return UNDECIDED

    def expect(self, request: "Message | None", certain: bool) -> None:
        """Learn which request the next message answers.

        Args:
            request: None where there is none, or it is unknown.
            certain: Whether that is known.
        """

    def reset(self) -> None:
        """Learn that what comes next is new.

        A hole came, or the end of the half, or more was asked for than may wait.
        """

    def begins(self, data: bytes, ended: bool) -> int:
        """Say whether a half that begins so is of this protocol; for ``detect``.

        Args:
            data: Its first bytes.
            ended: Whether no more of them will be offered.

        Returns:
            ``NOT_ITS_OWN``, ``ITS_OWN``, ``TOO_SHORT`` (more bytes are needed) or
            ``CANNOT_SAY``, all of ``unpacket.messages.constants``.
        """
        return CANNOT_SAY

    def together(self, first: "Sequence[bytes]", ended: bool) -> int:
        """Say the same of what both sides say, where neither is enough; for ``detect``.

        Args:
            first: The first bytes of both; either may have sent the first of them.
        """
        return CANNOT_SAY

    def tunnel(self, protocol: str | None, opener: "Message | None") -> "Framer | None":
        """Return what frames the tunnel's bytes; None if they are only counted.

        Args:
            protocol: None where only its bytes can say; then it is asked again once
                they are recognised.
            opener: The message behind which it begins; None if there is none.
        """
        return None

    def opened(self, opener: "Message | None") -> "Framer":
        """Return the framer of a tunnel that a message opened, as that agreed on it."""
        return self
