"""What becomes of a packet: the packets that go on, and those that go back."""

from __future__ import annotations

from unpacket.inline.packets import Packet


class Outcome:
    """What is to be sent for one packet, or because time has passed.

    Attributes:
        forward: On the way that the packet went, in order. The packet itself, the
            same object, where it goes on unchanged.
        back: To where it came from.
        reason: Why it did not go on as it was, as a word; empty where it did.
        origin: Where the packet came from, as the caller of the engine named it.
    """

    __slots__ = ("back", "forward", "origin", "reason")

    def __init__(self, origin: int) -> None:
        self.origin = origin
        self.forward: list[Packet] = []
        self.back: list[Packet] = []
        self.reason = ""


def outcome_of(origin: int) -> Outcome:
    """Return ``Outcome(origin)``, which takes longer from compiled code."""
    made = Outcome.__new__(Outcome)
    made.origin = origin
    made.forward = []
    made.back = []
    made.reason = ""
    return made
