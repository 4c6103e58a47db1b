"""Where packets come from: all that reads a file, a pipe or an iterable is in here.

A source is an iterator of batches of frames. ``open`` picks the one that fits.
"""

from unpacket.sources._open import open
from unpacket.sources.notes import Comment, Notes, Secrets, Statistics
from unpacket.sources.source import Interface, Source

__all__ = [
    "Comment",
    "Interface",
    "Notes",
    "Secrets",
    "Source",
    "Statistics",
    "open",
]
