"""A conversation as lines of JSON, an object for each event.

All lines have the same keys, with values of one type; a line that begins a stream has
some more. What the first lines lack, or have as null or as an empty list, has no type
for those who read lines into tables: they drop it where it comes later, or fail.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from unpacket._core.reassembly.direction import Direction
from unpacket._core.reassembly.events import (
    Closed,
    Conflict,
    Data,
    Gap,
    Opened,
    Rejected,
    Urgent,
)
from unpacket.records.facts import FACTS, joined, record_of
from unpacket.records.summary import Summary
from unpacket.records.times import rfc3339

# What stands for the offset of what is at none.
NO_OFFSET = -1
# What the line that begins a stream says of it besides; its id is in all lines.
KNOWN_AT_OPENING = tuple(
    fact for fact in FACTS if fact.name in ("address", "port", "role_evidence", "path")
)


class JsonLines:
    """One object a line for each event, with payload in base64."""

    separator = b""

    def __init__(self, *, remarks: bool) -> None:
        self._remarks = remarks

    def render(self, event: Any) -> bytes:
        if not self._remarks and not isinstance(event, Data):
            return b""
        offset = getattr(event, "offset", None)
        record = {
            "event": type(event).__name__.lower(),
            "stream": event.stream.id,
            "direction": str(getattr(event, "direction", "")),
            "offset": NO_OFFSET if offset is None else offset,
            "length": 0,
            "frame": event.frame,
            "time": rfc3339(event.time_ns),
            "time_ns": event.time_ns,
            "reason": getattr(event, "reason", ""),
            "acknowledged": True,
            "data_base64": "",
            "pieces": "",
            "kept_frame": 0,
            "other_frame": 0,
            "other_base64": "",
            "client_unplaced": "",
            "server_unplaced": "",
        }
        record |= self._special(event)
        return json.dumps(record, separators=(",", ":")).encode() + b"\n"

    def _special(self, event: Any) -> dict[str, Any]:
        """Return the keys that mean something for the kind of event."""
        match event:
            case Data(_, _, _, payload):
                several = event.pieces if len(event.pieces) > 1 else ()
                return {
                    "length": len(payload),
                    "acknowledged": event.acknowledged,
                    "data_base64": base64(payload),
                    "pieces": joined(
                        f"{piece.offset}+{piece.length}:{piece.frame}:{piece.time_ns}"
                        for piece in several
                    ),
                }
            case Gap(_, _, _, length):
                return {"length": length}
            case Conflict(_, _, _, kept, other, kept_frame, other_frame):
                return {
                    "length": len(kept),
                    "data_base64": base64(kept),
                    "kept_frame": kept_frame,
                    "other_frame": other_frame,
                    "other_base64": base64(other),
                }
            case Rejected(_, _, _, _, payload) | Urgent(_, _, _, payload):
                return {"length": len(payload), "data_base64": base64(payload)}
            case Closed(stream):
                return {
                    f"{direction}_unplaced": joined(
                        f"{reason}:{count}"
                        for reason, count in stream._unplaced(direction).items()
                    )
                    for direction in Direction
                }
            case Opened(stream):
                return record_of(Summary(stream, None), KNOWN_AT_OPENING)
        return {}


def base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")
