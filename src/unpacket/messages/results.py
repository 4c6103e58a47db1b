"""What the layer gives out: messages, and ranges that belong to none.

Each observed byte of a half belongs to exactly one ``Message`` (an interim response
is one), ``Skipped`` or ``Tunnel``. Offsets and lengths are in bytes of the half.
"""

from typing import TYPE_CHECKING, Any

from unpacket.messages.body import Hole

if TYPE_CHECKING:
    from unpacket import Direction, Endpoint, Stream
    from unpacket.messages.body import Body


class Message:
    """One message of a half.

    Attributes:
        stream: The ``Stream`` that carried it.
        direction: Who sent it. By content where no handshake was captured, so it may
            contradict the roles of ``stream``; then ``swapped`` is true.
        protocol: The name of its framer.
        known_by: Why that framer was chosen: ``content``, ``port 53``, ``upgrade``;
            None where the caller chose it.
        offset: Where it begins in its half.
        length: From its first byte to its last, missing ones included.
        first_frame, last_frame: The packets that carried its first and last byte.
        time_ns, last_ns: When these were captured.
        complete: Whether it is whole: nothing is missing, and its end is certain.
        length_known: Whether what it says of its own length could be believed.
        interim: Whether the exchange goes on after it, as after "100 Continue".
        anomalies: What is wrong with it, by name; each once.
    """

    __slots__ = (
        "_body",
        "anomaly_list",
        "complete",
        "direction",
        "first_frame",
        "interim",
        "known_by",
        "last_frame",
        "last_ns",
        "length",
        "length_known",
        "number",
        "offset",
        "protocol",
        "stream",
        "swapped",
        "time_ns",
    )

    stream: "Stream"
    direction: "Direction"
    protocol: str
    known_by: str | None
    offset: int
    length: int
    first_frame: int
    last_frame: int
    time_ns: int
    last_ns: int
    number: int
    complete: bool
    length_known: bool
    interim: bool
    swapped: bool
    anomaly_list: list[str] | None
    _body: "Body | None"

    @property
    def anomalies(self) -> list[str]:
        """What is wrong with the message, by name."""
        return list(self.anomaly_list or ())

    @property
    def holes(self) -> list[Hole]:
        """A ``Hole`` for each range of the body that is missing."""
        return [] if self._body is None else list(self._body.holes or ())

    @property
    def body_length(self) -> int:
        """How long the body is, in bytes, holes included."""
        return 0 if self._body is None else self._body.length

    @property
    def body(self) -> bytes:
        """The observed bytes of the body, in order; holes are left out."""
        return b"" if self._body is None else self._body.joined()

    @property
    def content(self) -> "Body | None":
        """The body as an object that can be read in chunks; None if there is none."""
        return self._body

    @property
    def client(self) -> "Endpoint":
        """The end that sends the requests."""
        return self.stream.server if self.swapped else self.stream.client

    @property
    def server(self) -> "Endpoint":
        """The end that answers."""
        return self.stream.client if self.swapped else self.stream.server

    @property
    def frames(self) -> tuple[int, int]:
        """The numbers of the packets that carried its first and its last byte."""
        return (self.first_frame, self.last_frame)

    @property
    def summary(self) -> str:
        """What a reader of one line should know of the message."""
        return byte_count(self.body_length)

    @property
    def facts(self) -> dict[str, Any]:
        """What the framer knows of the message, as JSON has it."""
        return {}

    def note(self, anomaly: str) -> None:
        """Say, once, that something is wrong with the message."""
        if self.anomaly_list is None:
            self.anomaly_list = [anomaly]
        elif anomaly not in self.anomaly_list:
            self.anomaly_list.append(anomaly)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(stream={self.stream.id}, "
            f"direction={self.direction}, offset={self.offset}, "
            f"length={self.length}, complete={self.complete})"
        )


def byte_count(count: int) -> str:
    """Return a number of bytes in words."""
    return "1 byte" if count == 1 else f"{count} bytes"


def new_message() -> Message:
    """Return an empty message of no particular kind."""
    return clear(Message.__new__(Message))


def clear(message: Message) -> Message:
    """Set all that every message has; ``begin`` of the layer fills it."""
    message.anomaly_list = None
    message.known_by = None
    message._body = None
    message.complete = False
    message.length_known = True
    message.interim = False
    message.swapped = False
    message.offset = 0
    message.length = 0
    message.first_frame = 0
    message.last_frame = 0
    message.time_ns = 0
    message.last_ns = 0
    message.number = 0
    return message


class Skipped:
    """Observed bytes that belong to no message.

    Attributes:
        offset: Where they begin in their half.
        length: How many there are.
        frame, time_ns: Of the packet that carried the first of them.
        swapped: Whether ``direction`` contradicts the roles of ``stream``.
    """

    __slots__ = (
        "direction",
        "frame",
        "length",
        "offset",
        "stream",
        "swapped",
        "time_ns",
    )

    def __init__(
        self,
        stream: "Stream",
        direction: "Direction",
        offset: int,
        length: int,
        frame: int,
        time_ns: int,
        swapped: bool = False,
    ) -> None:
        self.stream = stream
        self.direction = direction
        self.offset = offset
        self.length = length
        self.frame = frame
        self.time_ns = time_ns
        self.swapped = swapped

    def __repr__(self) -> str:
        return (
            f"Skipped(stream={self.stream.id}, direction={self.direction}, "
            f"offset={self.offset}, length={self.length})"
        )


class Tunnel:
    """What both halves carry of another protocol, once the stream has ended.

    Attributes:
        protocol: Its name, such as ``tls`` or ``websocket``; ``unknown`` else.
        offsets: Where it begins, of the client's half and of the server's.
        lengths: How many bytes of each were observed.
        swapped: Whether client and server contradict the roles of ``stream``.
    """

    __slots__ = ("lengths", "offsets", "protocol", "stream", "swapped")

    def __init__(
        self,
        stream: "Stream",
        protocol: str,
        offsets: tuple[int, int],
        lengths: tuple[int, int],
        swapped: bool = False,
    ) -> None:
        self.swapped = swapped
        self.stream = stream
        self.protocol = protocol
        self.offsets = offsets
        self.lengths = lengths

    def to_dict(self) -> dict[str, Any]:
        """Return the tunnel as JSON has it."""
        return {
            "stream": self.stream.id,
            "protocol": self.protocol,
            "client": [self.offsets[0], self.lengths[0]],
            "server": [self.offsets[1], self.lengths[1]],
        }

    def __repr__(self) -> str:
        return f"Tunnel({self.to_dict()})"
