"""Asks the processor for memory that will be needed soon.

The compiled twin is in the ``.pxd``; uncompiled there is nothing to gain.
"""

from typing import Any


def prefetch(numbers: Any, place: int) -> None:
    """Ask for one number of a view, with its line of the cache."""


def prefetch_block(data: Any, at: int, length: int) -> None:
    """Ask for all lines that some bytes are in."""
