"""Whether a capture can be trusted: what is missing, doubtful or damaged."""

from unpacket.integrity.divergence import Divergence, Place, Version
from unpacket.integrity.report import Found, Integrity, Report, check

__all__ = [
    "Divergence",
    "Found",
    "Integrity",
    "Place",
    "Report",
    "Version",
    "check",
]
