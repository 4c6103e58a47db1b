"""Messages of any protocol, skips and tunnels as JSON has them: one vocabulary.

Every line has the same keys with values of one type, but for ``facts``, which are the
protocol's. As elsewhere lists are text, and times are there as text and as number.
"""

from collections.abc import Iterator
from typing import Any

from unpacket.messages.results import Message, Skipped, Tunnel
from unpacket.records.times import rfc3339

SIDES = ("client", "server")

# A summary is for people; what is longer is in the facts.
MOST_SUMMARY = 240


def lines_of(item: Message | Skipped | Tunnel) -> Iterator[dict[str, Any]]:
    """Give a dictionary that ``json`` takes; of a tunnel one for each side."""
    if isinstance(item, Message):
        yield message_line(item)
    elif isinstance(item, Skipped):
        yield line(
            "skipped",
            item.stream.id,
            str(item.direction),
            item.offset,
            item.length,
            time_ns=item.time_ns,
            frames=(item.frame, item.frame),
        )
    else:
        for side, offset, length in zip(SIDES, item.offsets, item.lengths, strict=True):
            yield line("tunnel", item.stream.id, side, offset, length, item.protocol)


def line(
    kind: str,
    stream: int,
    direction: str,
    offset: int,
    length: int,
    protocol: str = "",
    known_by: str = "",
    time_ns: int = 0,
    frames: tuple[int, int] = (0, 0),
) -> dict[str, Any]:
    """Return what all lines have."""
    return {
        "kind": kind,
        "stream": stream,
        "direction": direction,
        "protocol": protocol,
        "known_by": known_by,
        "offset": offset,
        "length": length,
        "time": rfc3339(time_ns) if time_ns else "",
        "time_ns": time_ns,
        "first_frame": frames[0],
        "last_frame": frames[1],
        "summary": "",
        "facts": {},
        "body_bytes": 0,
        "missing": 0,
        "hole_list": "",
        "length_known": False,
        "complete": False,
        "anomalies": "",
    }


def message_line(message: Message) -> dict[str, Any]:
    """Return the line of a message."""
    found = line(
        "message",
        message.stream.id,
        str(message.direction),
        message.offset,
        message.length,
        message.protocol,
        message.known_by or "",
        message.time_ns,
        message.frames,
    )
    summary = message.summary
    holes = message.holes
    texts = (f"{hole.offset}+{hole.length}:{hole.reason}" for hole in holes)
    found |= {
        "summary": summary if len(summary) <= MOST_SUMMARY else summary[:MOST_SUMMARY],
        "facts": message.facts,
        "body_bytes": message.body_length,
        "missing": sum(hole.length for hole in holes),
        "hole_list": " ".join(texts),
        "length_known": message.length_known,
        "complete": message.complete,
    }
    # What summary and facts noted on their way is among them.
    found["anomalies"] = " ".join(message.anomalies)
    return found
