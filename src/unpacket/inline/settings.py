"""The choices of an engine, and what it counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The choices of an engine.

    Attributes:
        on_failure: What becomes of a stream whose inspector raised: ``"closed"``
            resets it, ``"open"`` lets it pass without inspection.
        max_held_bytes: What is kept for each direction of a stream; beyond that
            packets are dropped, and come again.
        max_memory_bytes: The same for all streams together.
        max_streams: Beyond that the one that was quiet for longest is forgotten.
        idle_timeout_s: So is one that was quiet for so long.
        ttl_floor: Data leaves with this time to live at least, or with that of its
            SYN where that is less.
        passes_unseen: Whether packets may go on that nobody saw: what is acknowledged
            of them is skipped, with a ``Gap``, once ``losses`` explain it.
        mtu: SYNs announce no segments that would not fit in packets of so many bytes;
            0: they are left as they are.
    """

    on_failure: Literal["open", "closed"] = "closed"
    max_held_bytes: int = 4 * MIB
    max_memory_bytes: int = 512 * MIB
    max_streams: int = 65536
    idle_timeout_s: float = 300.0
    ttl_floor: int = 8
    passes_unseen: bool = False
    mtu: int = 0

    def __post_init__(self) -> None:
        if self.on_failure not in ("open", "closed"):
            raise ValueError(
                f"on_failure is {self.on_failure!r}, and neither 'open' nor 'closed'"
            )
        for name, least in (
            ("max_held_bytes", 65536),
            ("max_memory_bytes", 65536),
            ("max_streams", 1),
        ):
            if getattr(self, name) < least:
                raise ValueError(
                    f"{name} is {getattr(self, name)}, and not {least} at least"
                )
        if not 0 <= self.ttl_floor <= 255:
            raise ValueError(f"ttl_floor is {self.ttl_floor}, and not from 0 to 255")
        if self.mtu and not 576 <= self.mtu <= 65535:
            raise ValueError(f"mtu is {self.mtu}, and not from 576 to 65535")


@dataclass(slots=True)
class Statistics:
    """What became of packets, each counted once.

    Attributes:
        passed: They went on as they were.
        rewritten: They went on with other contents, in one or more packets.
        dropped: They did not go on, by reason.
        made: Packets of our own: acknowledgements, RSTs, what was released late.
        failures: How often the inspector raised.
        streams: How many streams were opened.
    """

    passed: int = 0
    rewritten: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    made: int = 0
    failures: int = 0
    streams: int = 0
