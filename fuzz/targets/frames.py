"""Any bytes behind any link type are one segment, or counted under one reason.

Which it is depends on nothing but the frame: not on what lies around it in memory,
nor on how connections are told apart.
"""

from typing import Any

from fuzz.choices import Choices
from tests.core.decoded import rows
from unpacket import Batch
from unpacket._core.decode.layers import path_text

ETHERNET, RAW = 1, 101
LINK_TYPES = [
    *(ETHERNET, RAW, 0, 6, 9, 10, 12, 14, 50, 51, 100, 104, 105, 107, 108, 109, 113),
    *(117, 119, 122, 127, 138, 163, 192, 204, 205, 219, 228, 229, 239, 240, 258, 276),
]
ANY_LINK_TYPE = 255
# What depends on where a frame lies, and not on what it is.
PLACES = ("index", "start", "sack_start", "time_ns")
# What depends on how connections are told apart.
KEYS = ("context", "hash")
NEIGHBOUR = bytes(range(256))


def check(data: bytes) -> None:
    choices = Choices(data)
    kind = choices.byte()
    link_type = choices.number(2) if kind == ANY_LINK_TYPE else 0
    if kind != ANY_LINK_TYPE:
        link_type = LINK_TYPES[kind % len(LINK_TYPES)]
    cut = choices.byte()
    frame = choices.rest()
    row = (0, frame, link_type, len(frame) + cut)
    found = rows(Batch.from_frames([row]))
    for segment in found:
        check_segment(segment, frame)
        assert path_text(link_type, segment["layers"], segment["family"])
    for context in ("vlan", "none"):
        others = rows(Batch.from_frames([row]), context=context)
        assert without(others, KEYS) == without(found, KEYS)
    neighbour = (0, NEIGHBOUR, ETHERNET, len(NEIGHBOUR))
    between = [neighbour, row, neighbour]
    there = [one for one in rows(Batch.from_frames(between)) if one["index"] == 1]
    assert without(there, PLACES) == without(found, PLACES)


def check_segment(segment: dict[str, Any], frame: bytes) -> None:
    payload = segment["payload"]
    assert len(payload) == segment["captured"] <= segment["length"] <= 1 << 20
    assert payload in frame
    assert segment["family"] in (4, 6)
    assert segment["wscale"] <= 14 or segment["wscale"] == 255
    if segment["sack_count"]:
        assert segment["sack_start"] + 8 * segment["sack_count"] <= len(frame)


def without(
    segments: list[dict[str, Any]], names: tuple[str, ...]
) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in segment.items() if name not in names}
        for segment in segments
    ]
