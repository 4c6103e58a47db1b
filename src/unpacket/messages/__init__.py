"""Messages in streams: framers, and the layer that owns all that is hard about them.

A framer says where messages begin and end (``framer``); the layer (``layer``) feeds
it, passes over what it refuses, and knows what a gap hides.
"""

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
from unpacket.messages.message import Message, Skipped, Tunnel
from unpacket.messages.pairing import Exchange

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
