"""What a framer answers when it is offered the bytes at the head of a half.

An answer is about the bytes from where it was asked: how many of them are framing
(``head``), how long the whole is (``length``), and whether the message ends there.
``length`` may reach beyond what was offered: what is still to come then is body,
streams, and may be lost without any harm to what follows.
"""

from typing import Any

from unpacket.messages.constants import (
    BROKEN,
    MESSAGE,
    NEED,
    PART,
    REFUSE,
    SKIP,
    TUNNEL,
    UNTIL_END,
)

KINDS = (
    "need",
    "message",
    "part",
    "until_end",
    "tunnel",
    "skip",
    "refuse",
    "broken",
)


class Answer:
    """One answer; the functions of this module make them.

    Attributes:
        kind: A number; ``KINDS`` has the names.
        length: In bytes: what is needed, skipped, or belongs to the message.
        head: How many bytes of ``length`` are framing, and no body.
        protocol: What a tunnel carries; None where only its bytes can say.
        item: The ``Message`` to be filled; None for a plain one.
        blocks: Whether what the half sends next depends on the answer of the peer.
        tunnels: Whether behind the message a tunnel begins, of ``protocol``.
        interim: Whether the message does not end the exchange.
        anomaly: What was wrong, by name, or None.
    """

    __slots__ = (
        "anomaly",
        "blocks",
        "head",
        "interim",
        "item",
        "kind",
        "length",
        "protocol",
        "tunnels",
    )

    item: Any

    def __init__(
        self,
        kind: int,
        length: int = 0,
        head: int = 0,
        protocol: str | None = None,
        anomaly: str | None = None,
    ) -> None:
        self.kind = kind
        self.length = length
        self.head = head
        self.protocol = protocol
        self.item = None
        self.blocks = False
        self.tunnels = False
        self.interim = False
        self.anomaly = anomaly

    def __repr__(self) -> str:
        name = KINDS[self.kind]
        return f"Answer({name}, length={self.length}, head={self.head})"


def need(count: int = 1) -> Answer:
    """At least ``count`` more bytes than were offered, to say anything."""
    return Answer(NEED, max(1, count))


def message(length: int, head: int = 0) -> Answer:
    """A message of ``length`` bytes, of which the first ``head`` are no body."""
    return Answer(MESSAGE, length, head)


def part(length: int, head: int = 0) -> Answer:
    """The message's next ``length`` bytes; the framer is asked again behind them."""
    return Answer(PART, length, head)


def until_end(head: int = 0) -> Answer:
    """A message that reaches to the end of the half."""
    return Answer(UNTIL_END, head, head)


def tunnel(protocol: str | None) -> Answer:
    """From here on, and in the other half too, the bytes are of another protocol."""
    return Answer(TUNNEL, protocol=protocol)


def skip(length: int) -> Answer:
    """``length`` bytes that belong to no message; ask again behind them."""
    return Answer(SKIP, length)


def refuse(anomaly: str | None = None) -> Answer:
    """No message begins here, or none goes on so: look for the next start."""
    return Answer(REFUSE, anomaly=anomaly)


def broken(length: int, head: int = 0, anomaly: str | None = None) -> Answer:
    """A message that ends after ``length`` bytes, since nobody can say where.

    What follows is searched for the next start.
    """
    return Answer(BROKEN, length, head, anomaly=anomaly)
