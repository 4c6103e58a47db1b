"""Which overlap policies make other streams of the same segments, and how.

A policy decides between segments that wait out of order and differ. So only streams
with conflicts are looked at: the capture is read once more by one assembler for each
policy, and what they deliver is compared.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias, cast

from unpacket._core.memory.batch import Batch
from unpacket._core.reassembly.assembler import Assembler
from unpacket._core.reassembly.direction import CLIENT, SERVER, Direction
from unpacket._core.reassembly.events import Closed, Data, Gap, Opened
from unpacket._core.reassembly.held import POLICIES
from unpacket._core.reassembly.stream import Stream
from unpacket.faces.reader import ignore
from unpacket.policy import Overlap, Policy

# Of each direction so many places are remembered, so much of each is kept, and so much
# is shown. What goes beyond still counts by its digest.
MAX_PLACES = 64
KEPT_BYTES = 1 << 12
SHOWN_BYTES = 64

Key: TypeAlias = tuple[int, str, str]


class Version(NamedTuple):
    """What some policies deliver at one place.

    Attributes:
        payload: The first bytes of it.
    """

    policies: tuple[str, ...]
    payload: bytes


class Place(NamedTuple):
    """Bytes of a stream that depend on the policy."""

    direction: Direction
    offset: int
    length: int
    versions: list[Version]


class Divergence(NamedTuple):
    """A stream that depends on the policy.

    Attributes:
        groups: The policies that agree on all of it, together.
        places: Where they do not agree: the first of them.
    """

    stream: int
    client: str
    server: str
    groups: list[tuple[str, ...]]
    places: list[Place]

    def to_dict(self) -> dict[str, Any]:
        """Return what ``unpacket check --json`` prints."""
        return {
            "stream": self.stream,
            "client": self.client,
            "server": self.server,
            "groups": [list(group) for group in self.groups],
            "places": [
                {
                    "direction": str(place.direction),
                    "offset": place.offset,
                    "length": place.length,
                    "versions": [
                        {
                            "policies": list(version.policies),
                            "data_base64": b64encode(version.payload).decode("ascii"),
                        }
                        for version in place.versions
                    ],
                }
                for place in self.places
            ],
        }


class Watch:
    """Where segments of a stream contradict each other."""

    __slots__ = ("key", "places", "stream_id")

    def __init__(self, stream: Stream) -> None:
        self.key = key_of(stream)
        self.stream_id = int(stream.id)
        self.places: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])

    def add(self, direction: Direction, offset: int, length: int) -> None:
        """Add the offsets ``[offset, offset + length)``, while there is room."""
        places = self.places[direction]
        if len(places) < MAX_PLACES:
            places.append((offset, offset + min(length, KEPT_BYTES)))

    def merged(self, direction: Direction) -> list[tuple[int, int]]:
        """Return the places of a direction, sorted and disjoint."""
        merged: list[tuple[int, int]] = []
        for start, stop in sorted(self.places[direction]):
            if merged and start <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(stop, merged[-1][1])
            else:
                merged.append((start, stop))
        return merged


class Side:
    """What one policy delivers of a direction."""

    __slots__ = ("_hash", "_places", "shown")

    def __init__(self, places: list[tuple[int, int]]) -> None:
        self._hash = hashlib.sha256()
        self._places = places
        self.shown = [bytearray() for _ in places]

    def take(self, event: Any) -> None:
        if isinstance(event, Gap):
            self._hash.update(b"gap %d %d\n" % (event.offset, event.length))
            return
        payload = event.payload
        self._hash.update(payload)
        first, last = event.offset, event.offset + len(payload)
        for (start, stop), shown in zip(self._places, self.shown, strict=True):
            if first < stop and start < last:
                shown += payload[max(start - first, 0) : stop - first]

    def digest(self) -> bytes:
        return self._hash.digest()


class Outcome:
    """What one policy makes of the streams that are watched."""

    def __init__(self, policy: Policy, watches: dict[Key, Watch]) -> None:
        self._assembler = Assembler(policy)
        self._watches = watches
        self._open: dict[Stream, tuple[Side, Side]] = {}
        self.sides: dict[Key, tuple[Side, Side]] = {}

    def feed(self, batch: Batch) -> None:
        self._take(self._assembler.feed(batch))

    def finish(self) -> None:
        self._take(self._assembler.finish())

    def _take(self, events: Iterable[Any]) -> None:
        for event in events:
            stream = event.stream
            if isinstance(event, Opened):
                watch = self._watches.get(key_of(stream))
                if watch is None:
                    ignore(self._assembler, stream)
                else:
                    sides = (Side(watch.merged(CLIENT)), Side(watch.merged(SERVER)))
                    self._open[stream] = self.sides[watch.key] = sides
            elif isinstance(event, Data | Gap):
                known = self._open.get(stream)
                if known is not None:
                    known[event.direction].take(event)
            elif isinstance(event, Closed):
                self._open.pop(stream, None)


def divergences(
    batches: Iterable[Batch], watches: list[Watch], policy: Policy, examples: int
) -> list[Divergence]:
    """Return the streams that depend on the overlap policy, in the order of ids.

    Args:
        policy: All else is as it says.
        examples: How many places of each stream to return.
    """
    # Several systems decide alike.
    alike: dict[int, list[str]] = {}
    for name, rule in POLICIES.items():
        alike.setdefault(rule, []).append(name)
    wanted = {watch.key: watch for watch in watches}
    outcomes = {
        tuple(names): Outcome(policy.replace(overlap=cast(Overlap, names[0])), wanted)
        for names in alike.values()
    }
    for batch in batches:
        for outcome in outcomes.values():
            outcome.feed(batch)
    for outcome in outcomes.values():
        outcome.finish()
    found = []
    for watch in sorted(watches, key=lambda watch: watch.stream_id):
        sides = {
            names: outcome.sides[watch.key]
            for names, outcome in outcomes.items()
            if watch.key in outcome.sides
        }
        digests = {
            names: (client.digest(), server.digest())
            for names, (client, server) in sides.items()
        }
        groups = grouped(digests)
        if len(groups) > 1:
            places = list(differing(watch, sides))[:examples]
            found.append(Divergence(watch.stream_id, *watch.key[1:], groups, places))
    return found


def differing(
    watch: Watch, sides: dict[tuple[str, ...], tuple[Side, Side]]
) -> Iterable[Place]:
    """Give the places at which policies deliver different bytes."""
    for direction in (CLIENT, SERVER):
        for index, (start, stop) in enumerate(watch.merged(direction)):
            octets = {
                names: bytes(pair[direction].shown[index])
                for names, pair in sides.items()
            }
            groups = grouped(octets)
            if len(groups) > 1:
                by_name = {
                    name: seen for names, seen in octets.items() for name in names
                }
                versions = [
                    Version(group, by_name[group[0]][:SHOWN_BYTES]) for group in groups
                ]
                yield Place(direction, start, stop - start, versions)


def grouped(values: dict[tuple[str, ...], Any]) -> list[tuple[str, ...]]:
    """Return names by equal values, in the order in which they come."""
    groups: dict[Any, list[str]] = {}
    for names, value in values.items():
        groups.setdefault(value, []).extend(names)
    return [tuple(names) for names in groups.values()]


def key_of(stream: Stream) -> Key:
    """Return what a stream has under any policy, and no other stream."""
    return int(stream.first_frame), str(stream.client), str(stream.server)
