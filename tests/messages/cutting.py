"""Events cut in other places: what comes of them must not depend on it."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from random import Random
from typing import Any

from unpacket import Data


def cut(event: Data, places: Iterable[int]) -> Iterator[Data]:
    """Give a Data event as several, cut at offsets into its payload.

    Each knows what its first byte's packet does, as those of an assembler.
    """
    size = len(event.payload)
    pieces = event.pieces
    facts: list[Any] = [*event.parts] if event.parts else [event]
    for start, stop in pairwise([0, *sorted(set(places) - {0, size}), size]):
        offset = event.offset + start
        at = max(n for n, piece in enumerate(pieces) if piece.offset <= offset)
        payload = event.payload[start:stop]
        ack = facts[min(at, len(facts) - 1)].ack
        frame, time_ns = pieces[at].frame, pieces[at].time_ns
        yield Data(
            event.stream, event.direction, offset, payload, frame, time_ns, None, ack
        )


def cut_all(events: Iterable[Any], random: Random | None) -> Iterator[Any]:
    """Cut all Data events at random, or into single bytes, and at their packets."""
    for event in events:
        if not isinstance(event, Data):
            yield event
            continue
        size = len(event.payload)
        places = {piece.offset - event.offset for piece in event.pieces}
        if random is None:
            places |= set(range(size))
        else:
            places |= {random.randrange(size) for _ in range(random.randrange(4))}
        yield from cut(event, places)
