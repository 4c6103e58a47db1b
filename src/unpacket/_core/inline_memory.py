"""Asks the processor for memory that will be needed soon.

The compiled twin is in the ``.pxd``; uncompiled there is nothing to gain.
"""

from typing import Any


def prefetch_entry(entries: Any, place: int) -> None:
    """Ask for one entry of the flow table."""


def prefetch_stream(streams: list[Any], slot: int) -> None:
    """Ask for a stream."""


def prefetch_halves(streams: list[Any], slot: int) -> None:
    """Ask for both halves of a stream."""
