"""A program of callbacks, and one for asyncio."""

from collections.abc import AsyncGenerator
from typing import assert_type

import unpacket
from unpacket import Direction, FollowedStream, Gap, Policy, Puller, StreamFollower
from unpacket.typing import Capture, DataCallback, PolicyOptions, Progress

follower = StreamFollower(policy=Policy.preset("libtins"), log=print)


@follower.on_new_stream
def new_stream(stream: FollowedStream) -> None:
    """Take a new stream."""
    stream.on_client_data(lambda stream, payload: print(stream.client, len(payload)))
    stream.on_gap(lambda stream, gap: print(gap.length))
    stream.ignore_server_data()
    stream.user_data = {"any": "thing"}


@follower.on_server_data
def server_data(stream: FollowedStream, payload: bytes) -> None:
    """Take bytes."""


@follower.on_gap
def gap(stream: FollowedStream, hole: Gap) -> int:
    """Take a gap, and return what nobody looks at."""
    return hole.length


@follower.on_finished
def finished(stream: FollowedStream, direction: Direction) -> None:
    """Take the end of a side."""


@follower.on_stream_termination
def ended(stream: FollowedStream, reason: str) -> None:
    """Take the end of a stream."""


class Counter:
    """Counts bytes."""

    def __init__(self) -> None:
        self.count = 0
        follower.on_client_data(self.take)

    def take(self, stream: FollowedStream, payload: bytes) -> None:
        """Take bytes."""
        self.count += len(payload)


# A decorated function is still what it was.
gap_length: int = gap(follower.live_streams()[0], Gap.__new__(Gap))
callback: DataCallback = server_data

follower.feed("capture.pcap")
follower.feed([b"packet", b"packet"])
follower.feed(None)
follower.finish()


def consume(stream: FollowedStream, direction: Direction, view: memoryview) -> int:
    """Take all."""
    return len(view)


Puller(consume, lambda stream, direction, lost, reason: print(lost + 1)).finish()

changes: PolicyOptions = {"overlap": "last", "max_holes": None}
policy = Policy().replace(**changes).replace(deliver="acked")


async def live(capture: Capture, progress: Progress | None = None) -> int:
    """Count the bytes of a source."""
    count = 0
    found = unpacket.events_async(capture, policy=policy)
    assert_type(found, AsyncGenerator[unpacket.Event, None])
    async for event in found:
        if isinstance(event, unpacket.Data):
            count += len(event.payload)
    await found.aclose()
    return count
