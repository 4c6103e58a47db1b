"""The property that defines the product: however it is cut, the stream is the same.

Segments in any order, of any size, from any initial sequence number, in batches of
any length: what is told of the stream does not change.
"""

from itertools import accumulate, pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.builder import FIN, MS, RAW, SECOND, SYN, Conversation, Frame
from tests.properties.strategies import captures, policies
from tests.talk import CLIENT, SERVER, feed_all, payload_of, said
from unpacket import Assembler, Batch, Closed, Data, Policy
from unpacket._core.reassembly.events import facts

ISNS = st.one_of(
    st.sampled_from([0, 1, (1 << 31) - 1, (1 << 32) - 1, (1 << 32) - 11]),
    st.integers(0, (1 << 32) - 1),
)
EVEN = [
    "in_order",
    "acked",
]


@st.composite
def cut_up(draw: st.DrawFn, size: int) -> list[tuple[int, int]]:
    """Return ranges that cover ``[0, size)``, some of them twice, in any order."""
    cuts = draw(st.sets(st.integers(1, size - 1), max_size=12)) if size > 1 else set()
    ranges = list(pairwise([0, *sorted(cuts), size]))
    again = draw(st.lists(st.sampled_from(ranges), max_size=3))
    wide = draw(
        st.lists(st.tuples(st.integers(0, size - 1), st.integers(1, size)), max_size=2)
    )
    ranges += again + [(start, min(size, start + length)) for start, length in wide]
    return draw(st.permutations(ranges))


def spoken(
    client: bytes,
    server: bytes,
    ranges: tuple[list[tuple[int, int]], list[tuple[int, int]]],
    isns: tuple[int, int] = (1000, 5000),
) -> list[Frame]:
    """Return the frames of a connection that carries two texts, piece by piece."""
    talk = Conversation(client_isn=isns[0], server_isn=isns[1], link_type=RAW)
    talk.handshake()
    for start, stop in ranges[0]:
        talk.client(1 + start, client[start:stop], ack=1)
    for start, stop in ranges[1]:
        talk.server(1 + start, server[start:stop], ack=1 + len(client))
    talk.farewell(1 + len(client), 1 + len(server))
    return talk.frames


def told_of(frames: list[Frame], policy: Policy | None = None) -> Any:
    events = feed_all(frames, policy)
    ended = said(event for event in events if not isinstance(event, Data))
    return payload_of(events, CLIENT), payload_of(events, SERVER), ended


@given(st.data(), st.sampled_from(EVEN), st.booleans())
def test_any_order_of_any_cut_gives_the_stream(
    data: st.DataObject, deliver: Any, notes: bool
) -> None:
    client = bytes(range(data.draw(st.integers(1, 120))))
    server = bytes(reversed(range(data.draw(st.integers(1, 120)))))
    ranges = (
        data.draw(cut_up(len(client))),
        data.draw(cut_up(len(server))),
    )
    frames = spoken(client, server, ranges)
    policy = Policy(deliver=deliver, gap_grace_s=None)
    assert told_of(frames, policy) == (
        client,
        server,
        [
            ("opened",),
            ("finished", "client"),
            ("finished", "server"),
            ("closed", "fin"),
        ],
    )
    stream = feed_all(frames, policy, notes=notes)[0].stream
    assert stream.complete
    assert stream.counts(CLIENT)["conflicts"] == 0


@given(st.data(), ISNS, ISNS)
def test_the_initial_sequence_numbers_do_not_matter(
    data: st.DataObject, client_isn: int, server_isn: int
) -> None:
    client, server = bytes(range(100)), bytes(range(100, 200))
    ranges = (data.draw(cut_up(100)), data.draw(cut_up(100)))
    policy = Policy(checksum="verify")
    here = feed_all(spoken(client, server, ranges), policy)
    there = feed_all(spoken(client, server, ranges, (client_isn, server_isn)), policy)
    assert [facts(event) for event in there] == [facts(event) for event in here]


@given(captures(), policies, st.sets(st.integers(1, 30)))
def test_batches_of_any_length_tell_the_same(
    frames: list[Frame], policy: Policy, cuts: set[int]
) -> None:
    whole = [facts(event) for event in feed_all(frames, policy, notes=True)]
    parts = [facts(event) for event in feed_all(frames, policy, cuts, notes=True)]
    single = feed_all(frames, policy, range(len(frames)), notes=True)
    assert parts == whole
    assert [facts(event) for event in single] == whole


@given(captures(), policies)
def test_steps_tell_the_same_as_a_feed(frames: list[Frame], policy: Policy) -> None:
    assembler = Assembler(policy)
    assembler.begin(Batch.from_frames(frames))
    events: list[Any] = []
    while (told := assembler.step()) is not None:
        events += told
    events += assembler.finish()
    whole = [facts(event) for event in feed_all(frames, policy)]
    assert [facts(event) for event in events] == whole


@given(captures(), policies)
def test_without_data_everything_else_is_the_same(
    frames: list[Frame], policy: Policy
) -> None:
    events = feed_all(frames, policy)
    others = [facts(event) for event in events if not isinstance(event, Data)]
    without = feed_all(frames, policy, data=False)
    assert [facts(event) for event in without] == others
    kept = {event.stream.id: event.stream for event in events}
    for event in without:
        if isinstance(event, Closed):
            for direction in (CLIENT, SERVER):
                counts = event.stream.counts(direction)
                assert counts == kept[event.stream.id].counts(direction)


@given(captures(), policies)
def test_notes_change_nothing_else(frames: list[Frame], policy: Policy) -> None:
    noted = [facts(event) for event in feed_all(frames, policy, notes=True)]
    plain = [facts(event) for event in feed_all(frames, policy)]
    assert [fact for fact in noted if fact[0] != "Note"] == plain


@given(
    st.data(),
    st.integers(-(10**9), 10**9),
    st.lists(st.integers(-500 * MS, 500 * MS), min_size=12, max_size=12),
)
def test_times_change_no_byte(
    data: st.DataObject, shift_s: int, jitter_ns: list[int]
) -> None:
    """Without holes nothing waits for time, be it as disorderly as it likes."""
    client, server = bytes(range(60)), bytes(range(100, 160))
    ranges = (data.draw(cut_up(60)), data.draw(cut_up(60)))
    frames = spoken(client, server, ranges)
    moved = [
        frame._replace(time_ns=frame.time_ns + shift_s * 10**9 + jitter_ns[index % 12])
        for index, frame in enumerate(frames)
    ]
    policy = Policy(gap_grace_s=None)
    assert told_of(moved, policy) == told_of(frames, policy)


@given(st.data())
def test_a_stream_of_many_gibibytes(data: st.DataObject) -> None:
    """Frames cut by the snap length: each segment claims 60,000 bytes and has four."""
    steps = data.draw(st.lists(st.integers(4, 60_000), min_size=1, max_size=20))
    first = data.draw(st.sampled_from([(1 << 32) - 70_000, (1 << 33) + 5]))
    talk = Conversation(link_type=RAW, client_isn=data.draw(ISNS))
    talk.handshake()
    assembler = Assembler(Policy(checksum="ignore"))
    events = assembler.feed(Batch.from_frames(talk.frames))
    stream = events[0].stream
    # Whoever looks for something goes on in leaps below half the sequence space.
    for offset in (*range(1 << 30, first, 1 << 30), first):
        events += assembler.skip_to(stream, CLIENT, offset)
    stops = list(accumulate(steps, initial=first))
    for start, stop in pairwise(stops):
        frame = talk.client(1 + start, bytes(stop - start), ack=1, captured=4)
        number = len(talk.frames)
        events += assembler.feed(Batch.from_frames([frame], number))
    talk.client(1 + stops[-1], flags=FIN)
    talk.server(1, ack=2 + stops[-1], flags=FIN)
    events += assembler.feed(Batch.from_frames(talk.frames[-2:], number + 1))
    # A frame with the whole segment might still have come.
    events += assembler.advance(talk.frames[-1].time_ns + 60 * SECOND)
    starts = [
        piece.offset
        for event in events
        if isinstance(event, Data)
        for piece in event.pieces
    ]
    assert starts == stops[:-1]
    assert said(events)[-1] == ("closed", "fin")
    counts = stream.counts(CLIENT)
    assert counts["delivered_bytes"] == 4 * len(steps)
    assert counts["delivered_bytes"] + counts["gap_bytes"] == stops[-1]
    assert stream.acknowledged(CLIENT) == stops[-1] + 1


@given(ISNS, st.integers(1, 3))
def test_a_stream_that_wraps_more_than_once_loses_nothing(isn: int, laps: int) -> None:
    """The peer acknowledges what the capture missed, up to the next known bytes."""
    talk = Conversation(link_type=RAW, client_isn=isn)
    talk.client(0, flags=SYN, ack=None)
    talk.server(0, ack=1, flags=SYN)
    far = 0
    for _ in range(8 * laps):
        far += 1 << 29
        talk.client(1 + far, b"abcd", ack=1)
        talk.server(1, ack=1 + far + 4)
        talk.server(1, ack=1 + far + 4, at_ns=talk.now_ns - talk.start_ns + 25 * MS)
    events = feed_all(talk.frames, Policy(window=False))
    starts = [event.offset for event in events if isinstance(event, Data)]
    assert starts == [(1 << 29) * lap for lap in range(1, 8 * laps + 1)]
