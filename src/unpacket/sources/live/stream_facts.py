"""What a live source knows of a stream besides its packets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unpacket.sources.live.losses import Losses
    from unpacket.sources.live.owners import Owners, Process


class LiveFacts:
    """Whose processes the ends are, and what the capture lost meanwhile.

    Attributes:
        owners: Of the client's end and of the server's, which may still be found;
            None if nobody looks for them.
    """

    __slots__ = ("_losses", "owners")

    def __init__(self, losses: Losses, owners: tuple[Owners, Owners] | None) -> None:
        self._losses = losses
        self.owners = owners

    @property
    def client_process(self) -> Process | None:
        """The first owner of the client's end, or None."""
        return None if self.owners is None else self.owners[0].first

    @property
    def server_process(self) -> Process | None:
        """The first owner of the server's end, or None."""
        return None if self.owners is None else self.owners[1].first

    @property
    def process_source(self) -> str | None:
        """How they are known: one word, or two where the ends differ, or None."""
        if self.owners is None:
            return None
        found = dict.fromkeys(one.source for one in self.owners if one.source)
        return "+".join(found) or None

    def dropped(self, start_ns: int, stop_ns: int) -> int | None:
        """Return how many packets were lost between two points in time, if known."""
        return self._losses.between(start_ns, stop_ns)

    def settled(self, stream: Any) -> SettledFacts:
        """Return the same as it stands now, for a copy of the stream."""
        return SettledFacts(self.owners, self.dropped(stream.first_ns, stream.last_ns))


class SettledFacts(LiveFacts):
    """What was known of a stream when it was copied, or written to a capture."""

    __slots__ = ("_dropped",)

    def __init__(
        self, owners: tuple[Owners, Owners] | None, dropped: int | None
    ) -> None:
        self.owners = owners
        self._dropped = dropped

    def dropped(self, start_ns: int, stop_ns: int) -> int | None:
        return self._dropped

    def __reduce__(self) -> tuple[Any, ...]:
        return SettledFacts, (self.owners, self._dropped)
