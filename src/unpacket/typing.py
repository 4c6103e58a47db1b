"""Types for programs that annotate what they give to unpacket, and take from it.

Callbacks may return anything; it is not looked at.
"""

from collections.abc import Callable
from typing import TypeAlias

from unpacket._core.reassembly.events import Event
from unpacket.faces.callbacks import (
    OnConflict,
    OnData,
    OnEvents,
    OnFinished,
    OnGap,
    OnOutOfOrder,
    OnRejected,
    OnStream,
    OnTermination,
)
from unpacket.faces.puller import Consume, Inform
from unpacket.policy import PolicyOptions
from unpacket.sources.bpf.filter import BpfLike
from unpacket.sources.source import BinaryReader, Capture, Progress

__all__ = [
    "BinaryReader",
    "BpfLike",
    "Capture",
    "ConflictCallback",
    "Consume",
    "DataCallback",
    "Event",
    "EventsCallback",
    "FinishedCallback",
    "GapCallback",
    "Inform",
    "LogCallback",
    "OutOfOrderCallback",
    "PolicyOptions",
    "Progress",
    "RejectedCallback",
    "StreamCallback",
    "TerminationCallback",
]

# A new stream, a closed one, one that was torn down.
StreamCallback: TypeAlias = OnStream[object]
# The payload that is next.
DataCallback: TypeAlias = OnData[object]
GapCallback: TypeAlias = OnGap[object]
ConflictCallback: TypeAlias = OnConflict[object]
RejectedCallback: TypeAlias = OnRejected[object]
FinishedCallback: TypeAlias = OnFinished[object]
# The sequence number and the payload of a segment that waits.
OutOfOrderCallback: TypeAlias = OnOutOfOrder[object]
EventsCallback: TypeAlias = OnEvents[object]
# The reason.
TerminationCallback: TypeAlias = OnTermination[object]
LogCallback: TypeAlias = Callable[[str], object]
