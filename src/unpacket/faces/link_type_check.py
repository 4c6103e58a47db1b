"""Whether packets that a program gave are what it said that they begin with.

Bytes do not say it, and a wrong link type makes nothing of them but a count of frames
without segment, which few look at. So one warning says it.
"""

from __future__ import annotations

import warnings

from unpacket._core.memory.batch import Batch
from unpacket._core.reassembly.assembler import Assembler
from unpacket.errors import LinkTypeWarning
from unpacket.sources.link_types import LINK_TYPES

# Of so many packets, all of which make no sense, another link type is looked for.
# Fewer do at the end.
ENOUGH = 16

# Frames that are counted so were not found to be IP, nor anything else that is known.
NONSENSE = frozenset(
    {
        "unknown_link_type",
        "link_truncated",
        "link_header",
        "not_ip",
        "ip_truncated",
        "ip_header",
    }
)
# Nobody has looked into these.
FILTERED = "filtered"


class LinkTypeCheck:
    """Looks at the first packets of an assembler, until one of them makes sense.

    Attributes:
        done: Whether that is so, or a warning was given.
    """

    __slots__ = ("_frames", "done")

    def __init__(self) -> None:
        self.done = False
        self._frames: list[tuple[int, bytes]] = []

    def look(self, assembler: Assembler, batch: Batch) -> None:
        """Look at a batch of packets that the assembler has just taken."""
        if makes_sense(assembler):
            self.done = True
            self._frames = []
            return
        for index in range(min(len(batch), ENOUGH - len(self._frames))):
            _, _, link_type, _, octets = batch.frame(index)
            self._frames.append((link_type, octets))
        if len(self._frames) >= ENOUGH:
            likely = likely_type([octets for _, octets in self._frames])
            if likely is not None:
                self._warn(likely)

    def end(self) -> None:
        """Say what is to be said, for no more packets come."""
        if not self.done and self._frames:
            self._warn(likely_type([octets for _, octets in self._frames]))

    def _warn(self, likely: str | None) -> None:
        self.done = True
        link_type, count = self._frames[0][0], len(self._frames)
        self._frames = []
        warnings.warn(LinkTypeWarning(link_type, count, likely), stacklevel=1)


def makes_sense(assembler: Assembler) -> bool:
    """Return whether any frame so far was IP, or something else that is known."""
    if assembler.packets:
        return True
    counters = assembler.counters
    return any(name not in NONSENSE and name != FILTERED for name in counters)


def likely_type(frames: list[bytes]) -> str | None:
    """Return the name of the link type with which all frames make sense, or None."""
    for name, number in LINK_TYPES.items():
        if all(fits(octets, number) for octets in frames):
            return name
    return None


def fits(octets: bytes, link_type: int) -> bool:
    """Return whether a frame makes sense with a link type."""
    assembler = Assembler(data=False)
    assembler.feed(Batch.from_frames([(0, octets, link_type, len(octets))]))
    return makes_sense(assembler)
