"""What all conversations of one layer share: its bounds, its counts, its output."""

from typing import Any

from unpacket.messages.body import Budget

# Framing that may wait for its end: as much as Chrome takes of a head. A head beyond
# it is no message.
MAX_PENDING_BYTES = 256 << 10

# What may wait in one half for what the other says.
MAX_QUEUED_BYTES = 1 << 20

# What the bytes that wait in all halves may take.
MAX_WAITING_BYTES = 128 << 20

# Requests of one stream that may be without an answer.
MAX_UNANSWERED = 4096


class Settings:
    """Bounds and counts; all in bytes unless their names say otherwise.

    Attributes:
        out: What was found since the last call.
        waiting_bytes: What waits in all halves: framing without its end, bytes for
            which the other half has to speak first, heads without an answer.
        messages, exchanges: How many began so far.
        skipped_bytes, tunnel_bytes: How many bytes belong to no message so far.
        over_bounds: How often a bound made the layer give up something.
    """

    __slots__ = (
        "budget",
        "exchanges",
        "max_pending_bytes",
        "max_queued_bytes",
        "max_unanswered",
        "max_waiting_bytes",
        "messages",
        "out",
        "over_bounds",
        "pair",
        "skipped_bytes",
        "tunnel_bytes",
        "waiting_bytes",
    )

    out: list[Any]

    def __init__(
        self,
        budget: Budget,
        pair: bool,
        max_pending_bytes: int = MAX_PENDING_BYTES,
        max_queued_bytes: int = MAX_QUEUED_BYTES,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
        max_unanswered: int = MAX_UNANSWERED,
    ) -> None:
        self.budget = budget
        self.pair = pair
        self.max_pending_bytes = max_pending_bytes
        self.max_queued_bytes = max_queued_bytes
        self.max_waiting_bytes = max_waiting_bytes
        self.max_unanswered = max_unanswered
        self.out = []
        self.waiting_bytes = 0
        self.messages = 0
        self.exchanges = 0
        self.skipped_bytes = 0
        self.tunnel_bytes = 0
        self.over_bounds = 0
