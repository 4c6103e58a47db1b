"""What is read of a stream in a callback, or beside an event, is as of that packet.

It is a result as any other: it does not depend on how the input was cut. Fed one
packet at a time nothing can have come that is later, so that is what all else is
compared with.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.builder import MS, RAW, Conversation, Frame
from tests.properties.strategies import hostile_captures, policies
from tests.talk import CLIENT, SERVER, batches
from unpacket import (
    Assembler,
    Batch,
    FollowedStream,
    Policy,
    StreamFollower,
    events,
    events_async,
)

Reading = tuple[Any, ...]


def read(stream: Any) -> Reading:
    """Return all that a stream says of itself and that changes."""
    facts = getattr(stream, "facts", stream)
    both: list[Any] = []
    for side in (CLIENT, SERVER):
        both += [
            facts.acknowledged(side),
            facts.next_seq(side),
            facts.state(side),
            facts.finished(side),
            facts.counts(side),
        ]
    return (facts.id, facts.last_ns, facts.close_reason, facts.complete, *both)


class Follower:
    """Notes what every callback reads."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.readings: list[Reading] = []
        self.follower = StreamFollower(policy=policy)
        self.follower.on_new_stream(self.note_new)
        self.follower.on_client_data(self.note_data)
        self.follower.on_server_data(self.note_data)
        self.follower.on_gap(self.note)
        self.follower.on_conflict(self.note)
        self.follower.on_rejected(self.note)
        self.follower.on_finished(self.note)
        self.follower.on_closed(self.note)

    def note_new(self, stream: FollowedStream) -> None:
        self.readings.append(("new", *read(stream)))

    def note_data(self, stream: FollowedStream, payload: bytes) -> None:
        data = stream.current_data
        assert data is not None
        assert data.payload == payload
        assert data.stream is stream.facts
        self.readings.append(
            ("data", payload, data.offset, data.frame, data.time_ns, *read(stream))
        )

    def note(self, stream: FollowedStream, _what: object = None) -> None:
        assert stream.current_data is None
        self.readings.append(("other", *read(stream)))


def followed(
    frames: list[Frame], cuts: Iterable[int], policy: Policy | None = None
) -> list[Reading]:
    """Return what callbacks read where the frames are fed in such batches."""
    follower = Follower(policy)
    for batch in batches(frames, cuts):
        follower.follower.feed(batch)
    follower.follower.finish()
    return follower.readings


def ordinary(sizes: list[tuple[bool, int]], *, fin: bool) -> list[Frame]:
    """Return a conversation in which nothing is unusual: who sends, how much."""
    talk = Conversation(client_isn=7, server_isn=70, link_type=RAW)
    talk.handshake()
    sent = {True: 1, False: 1}
    for from_client, size in sizes:
        payload = bytes(size)
        send = talk.client if from_client else talk.server
        send(sent[from_client], payload, ack=sent[not from_client])
        sent[from_client] += size
    if fin:
        talk.farewell(sent[True], sent[False])
    return talk.frames


ORDINARY = st.builds(
    ordinary,
    st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=40),
    fin=st.booleans(),
)
CUTS = st.sets(st.integers(1, 60))


@given(st.one_of(ORDINARY, hostile_captures()), policies, CUTS)
def test_a_callback_reads_the_same_however_the_input_was_cut(
    frames: list[Frame], policy: Policy, cuts: set[int]
) -> None:
    single = followed(frames, range(len(frames)), policy)
    assert followed(frames, cuts, policy) == single
    assert followed(frames, (), policy) == single


@given(st.one_of(ORDINARY, hostile_captures()), policies)
def test_beside_an_event_the_stream_is_as_of_its_packet(
    frames: list[Frame], policy: Policy
) -> None:
    assembler = Assembler(policy)
    wanted: list[Reading] = []
    for batch in batches(frames, range(len(frames))):
        wanted += [(type(e), *read(e.stream)) for e in assembler.feed(batch)]
    wanted += [(type(e), *read(e.stream)) for e in assembler.finish()]
    assembler = Assembler(policy)
    assembler.begin(Batch.from_frames(frames))
    found: list[Reading] = []
    for happened in iter(assembler.step, None):
        found += [(type(e), *read(e.stream)) for e in happened]
    found += [(type(e), *read(e.stream)) for e in assembler.finish()]
    assert found == wanted


def test_events_of_a_capture_find_their_streams_as_of_their_packets() -> None:
    frames = ordinary([(n % 3 == 0, 10 + n) for n in range(50)], fin=True)
    seconds = [(frame[0] // MS / 1000, frame[1]) for frame in frames]
    single = [(type(e), *read(e.stream)) for e in events(iter(seconds), link_type=RAW)]
    whole = [(type(e), *read(e.stream)) for e in events(seconds, link_type=RAW)]
    assert whole == single
    last = [reading[2] for reading in whole]
    assert last == sorted(last)
    assert len(set(last)) > 40


def test_events_for_asyncio_do_too() -> None:
    frames = ordinary([(n % 3 == 0, 10 + n) for n in range(50)], fin=True)
    seconds = [(frame[0] // MS / 1000, frame[1]) for frame in frames]

    async def taken() -> list[Reading]:
        return [
            (type(e), *read(e.stream))
            async for e in events_async(seconds, link_type=RAW)
        ]

    wanted = [(type(e), *read(e.stream)) for e in events(seconds, link_type=RAW)]
    assert asyncio.run(taken()) == wanted
