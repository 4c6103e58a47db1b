"""Messages in streams: framers, and the layer that owns all that is hard about them.

A framer says where messages begin and end (``framer``); the layer (``layer``) feeds
it, passes over what it refuses, and knows what a gap hides.
"""

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from unpacket.messages.answers import (
    Answer,
    broken,
    message,
    need,
    part,
    refuse,
    skip,
    tunnel,
    until_end,
)
from unpacket.messages.body import Body, Hole
from unpacket.messages.framer import Framer
from unpacket.messages.layer import Layer
from unpacket.messages.pairing import Exchange
from unpacket.messages.results import Message, Skipped, Tunnel

__all__ = [
    "Answer",
    "Body",
    "Exchange",
    "Framer",
    "Hole",
    "Layer",
    "Message",
    "Skipped",
    "Tunnel",
    "broken",
    "message",
    "need",
    "part",
    "refuse",
    "skip",
    "tunnel",
    "until_end",
]


class _Messages(ModuleType):
    """The package as the function that most programs want of it."""

    def __call__(
        self, source: Any, framer: Framer | str | None = None, **options: Any
    ) -> Iterator[Any]:
        """Give the messages of a capture; see ``unpacket.messages.iterate``."""
        from unpacket.messages.iterate import messages

        return messages(source, framer, **options)


sys.modules[__name__].__class__ = _Messages
