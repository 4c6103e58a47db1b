"""Packets on their way: inspected, passed on, changed or stopped.

``Engine`` is the heart and does no I/O; ``gateway`` brings it packets from TUN
devices, ``queue`` from the netfilter queue of the kernel.
"""

from unpacket.inline.engine import Engine
from unpacket.inline.outbox import Outcome
from unpacket.inline.packets import Packet
from unpacket.inline.settings import Settings, Statistics
from unpacket.inline.verdicts import (
    ACCEPT,
    DROP,
    RESET,
    Answer,
    Arrival,
    Hold,
    Inspector,
    Replace,
    Verdict,
)

__all__ = [
    "ACCEPT",
    "DROP",
    "RESET",
    "Answer",
    "Arrival",
    "Engine",
    "Hold",
    "Inspector",
    "Outcome",
    "Packet",
    "Replace",
    "Settings",
    "Statistics",
    "Verdict",
]
