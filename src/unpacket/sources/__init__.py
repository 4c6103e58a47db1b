"""Sources of packets: everything that reads a file, a pipe or an iterable.

A source is an iterator of batches of frames. ``open`` picks the one that fits.
"""

from unpacket.sources._open import open
from unpacket.sources.formats.notes import Comment, Drops, Notes, Secrets, Statistics
from unpacket.sources.paths import can_be_read_again, expanded
from unpacket.sources.source import Interface, Source

__all__ = [
    "Comment",
    "Drops",
    "Interface",
    "Notes",
    "Secrets",
    "Source",
    "Statistics",
    "can_be_read_again",
    "expanded",
    "open",
]
