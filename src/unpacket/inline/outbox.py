"""What becomes of a packet: the packets that go on, and those that go back."""

from __future__ import annotations

from dataclasses import dataclass, field

from unpacket.inline.packets import Packet


@dataclass(slots=True)
class Outcome:
    """What is to be sent for one packet, or because time has passed.

    Attributes:
        forward: On the way that the packet went, in order. The packet itself, the
            same object, where it goes on unchanged.
        back: To where it came from.
        reason: Why it did not go on as it was, as a word; empty where it did.
        origin: Where the packet came from, as the caller of the engine named it.
    """

    origin: int
    forward: list[Packet] = field(default_factory=list)
    back: list[Packet] = field(default_factory=list)
    reason: str = ""
