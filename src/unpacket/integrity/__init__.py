"""Whether a capture can be trusted: what is missing, doubtful or damaged."""

from unpacket.integrity.checker import Integrity, check
from unpacket.integrity.divergence import Divergence, Place, Version
from unpacket.integrity.report import Found, Report

__all__ = [
    "Divergence",
    "Found",
    "Integrity",
    "Place",
    "Report",
    "Version",
    "check",
]
