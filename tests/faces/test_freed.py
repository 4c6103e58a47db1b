"""What nobody refers to any more is freed, whatever refers to what in a circle.

Callbacks are mostly methods of the object that owns the follower: then the owner
refers to the follower, and the follower to the owner.
"""

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.builder import RAW, Conversation, Frame
from unpacket import (
    Assembler,
    Batch,
    Direction,
    FollowedStream,
    Gap,
    Policy,
    Puller,
    StreamFollower,
    events,
)


def packets() -> list[Frame]:
    """Return a connection that still lives, and has a hole in what the client sent."""
    talk = Conversation(link_type=RAW)
    talk.handshake()
    talk.client(1, b"abc", ack=1)
    talk.server(1, b"def", ack=4)
    talk.client(9, b"xyz", ack=4)
    return talk.frames


def is_freed(make: Callable[[], Any]) -> bool:
    """Return whether what ``make`` returns is gone once nobody has it."""
    made = weakref.ref(make())
    gc.collect()
    return made() is None


class Owner:
    """Has a follower whose callbacks are its own methods."""

    def __init__(self) -> None:
        self.follower = StreamFollower(policy=Policy(deliver="acked"))
        self.follower.on_new_stream(self.begin)
        self.follower.on_client_data(self.take)
        self.follower.on_server_data(self.take)
        self.follower.on_closed(self.end)
        self.streams: list[FollowedStream] = []
        self.payload = b""

    def begin(self, stream: FollowedStream) -> None:
        self.streams.append(stream)
        stream.user_data = self
        stream.enable_ack_tracking()
        stream.on_gap(self.lose)
        stream.on_client_data(self.take)

    def take(self, _stream: FollowedStream, payload: bytes) -> None:
        self.payload += payload

    def lose(self, _stream: FollowedStream, _gap: Gap) -> None:
        pass

    def end(self, _stream: FollowedStream) -> None:
        pass


def followed() -> Owner:
    owner = Owner()
    owner.follower.feed(Batch.from_frames(packets()))
    assert owner.streams
    assert owner.payload
    return owner


def finished() -> Owner:
    owner = followed()
    owner.follower.finish()
    return owner


def test_an_owner_with_a_follower_that_is_finished_is_freed() -> None:
    assert is_freed(finished)


def test_an_owner_with_a_follower_that_is_not_finished_is_freed() -> None:
    assert is_freed(followed)


def test_a_follower_with_callbacks_that_refer_to_it_is_freed() -> None:
    def make() -> StreamFollower:
        follower = StreamFollower()
        follower.on_client_data(lambda stream, payload: follower)
        follower.feed(Batch.from_frames(packets()))
        return follower

    assert is_freed(make)


def test_a_stream_with_callbacks_that_refer_to_it_is_freed() -> None:
    def make() -> FollowedStream:
        follower = StreamFollower()
        streams: list[FollowedStream] = []

        def begin(stream: FollowedStream) -> None:
            streams.append(stream)
            stream.on_client_data(lambda it, payload: stream)

        follower.on_new_stream(begin)
        follower.feed(Batch.from_frames(packets()))
        return streams[0]

    assert is_freed(make)


def test_a_follower_in_the_middle_of_a_batch_is_freed() -> None:
    """An exception of a callback has left the rest of the batch to a later call."""

    def make() -> Owner:
        owner = Owner()

        def fail(stream: FollowedStream, payload: bytes) -> None:
            raise KeyError(owner)

        owner.follower.on_new_stream(lambda stream: stream.on_client_data(fail))
        with pytest.raises(KeyError):
            owner.follower.feed(Batch.from_frames(packets()))
        return owner

    assert is_freed(make)


@pytest.mark.parametrize("ends", [False, True], ids=["dropped", "finished"])
def test_a_puller_is_freed(ends: bool) -> None:
    class Consumer:
        def __init__(self) -> None:
            self.puller = Puller(self.consume, self.lose)
            self.taken = 0

        def consume(
            self, _stream: FollowedStream, _side: Direction, view: memoryview
        ) -> int:
            self.taken += len(view)
            return len(view)

        def lose(
            self, _stream: FollowedStream, _side: Direction, _lost: int, _why: str
        ) -> None:
            pass

    def make() -> Consumer:
        consumer = Consumer()
        consumer.puller.feed(Batch.from_frames(packets()))
        assert consumer.taken
        if ends:
            consumer.puller.finish()
        return consumer

    assert is_freed(make)
    assert is_freed(lambda: Puller(lambda stream, side, view: 0))


def test_a_source_whose_events_were_abandoned_is_freed() -> None:
    class Live:
        """Gives packets without end, and has those who take its events."""

        def __init__(self) -> None:
            self.events: Iterator[Any] = events(iter(self), link_type=RAW)

        def __iter__(self) -> Iterator[tuple[float, bytes]]:
            for frame in packets():
                yield frame[0] / 1e9, frame[1]
                assert self.events is not None

    def make() -> Live:
        live = Live()
        next(live.events)
        next(live.events)
        return live

    assert is_freed(make)


@pytest.mark.parametrize("ends", [False, True], ids=["dropped", "finished"])
def test_a_tracker_that_refers_to_its_assembler_is_freed(ends: bool) -> None:
    class Tracker:
        def __init__(self) -> None:
            self.assembler = Assembler(Policy(deliver="acked"))
            self.kept: list[Any] = []
            self.acks: list[int] = []

        def acknowledge(self, ack: int, _sacks: Any) -> None:
            self.acks.append(ack)

    def make() -> Tracker:
        tracker = Tracker()
        assembler = tracker.assembler
        frames = packets()
        tracker.kept += assembler.feed(Batch.from_frames(frames[:3]))
        stream = tracker.kept[0].stream
        tracker.kept.append(stream)
        for side in (0, 1):
            assembler.track(stream, side, tracker)
        tracker.kept += assembler.feed(Batch.from_frames(frames[3:], 4))
        assert tracker.acks
        if ends:
            assembler.finish()
        return tracker

    assert is_freed(make)
