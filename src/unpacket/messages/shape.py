"""Messages of any protocol, skips and tunnels as JSON has them: one vocabulary."""

from typing import Any

from unpacket.messages.results import Message, Skipped, Tunnel


def item_to_dict(item: Message | Skipped | Tunnel) -> dict[str, Any]:
    """Return what ``unpacket.messages`` gives as a dictionary that ``json`` takes.

    All have ``kind`` and ``stream``. Bytes of a message that are missing are in
    ``holes``, as offset and length in its body.
    """
    if isinstance(item, Tunnel):
        return {"kind": "tunnel", **item.to_dict()}
    found: dict[str, Any] = {
        "kind": "message",
        "stream": item.stream.id,
        "time_ns": item.time_ns,
        "direction": str(item.direction),
    }
    if isinstance(item, Skipped):
        return found | {
            "kind": "skipped",
            "offset": item.offset,
            "length": item.length,
            "frames": [item.frame, item.frame],
        }
    found |= {
        "protocol": item.protocol,
        "known_by": item.known_by,
        "offset": item.offset,
        "length": item.length,
        "frames": list(item.frames),
        "summary": item.summary,
        "facts": item.facts,
        "body_len": item.body_length,
        "holes": [[hole.offset, hole.length] for hole in item.holes],
        "length_known": item.length_known,
        "complete": item.complete,
    }
    # What facts and summary noted on their way is among them.
    found["anomalies"] = item.anomalies
    return found
