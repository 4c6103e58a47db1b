"""Events, streams and summaries survive a copy and a pickle with all that they say."""

import copy
import multiprocessing
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import unpacket
from tests.builder import ACK, RST
from tests.documents.running import SAMPLE
from tests.talk import CLIENT, SERVER, Talk
from unpacket import Data, Direction, Stream, Summary, WholeStream

WAYS: list[Any] = [
    pytest.param(lambda item: pickle.loads(pickle.dumps(item)), id="pickle"),
    pytest.param(
        lambda item: pickle.loads(pickle.dumps(item, pickle.HIGHEST_PROTOCOL)),
        id="newest pickle",
    ),
    pytest.param(copy.deepcopy, id="deepcopy"),
    pytest.param(copy.copy, id="copy"),
]
# Methods that answer about a direction; this one needs a number too.
BY_NUMBER = {"offset_of"}
Copier = Callable[[Any], Any]


def questions() -> Iterator[str]:
    """Give every public name of a stream."""
    # Uncompiled, the slots of the core are there to be seen.
    hidden = {"half", "client_is_a", "end", "flag", *getattr(Stream, "__slots__", ())}
    documented = {"id", "first_ns", "first_frame", "link_type", "context"}
    for name in dir(Stream):
        if not name.startswith("_") and (name in documented or name not in hidden):
            yield name


def answers(stream: Stream) -> dict[str, Any]:
    """Return all that a stream says."""
    found: dict[str, Any] = {"repr": repr(stream)}
    for name in questions():
        answer = getattr(stream, name)
        if not callable(answer):
            found[name] = answer
            continue
        for direction in Direction:
            more = (5,) if name in BY_NUMBER else ()
            found[f"{name} {direction}"] = answer(direction, *more)
    return found


def fields(event: Any) -> dict[str, Any]:
    """Return all that an event says, but its stream."""
    names = [name for name in dir(type(event)) if not name.startswith("_")]
    return {
        name: value
        for name in names
        if name not in ("stream", "parts")
        if not callable(value := getattr(event, name))
    }


def troubled() -> Talk:
    """Return a living connection with a gap, a conflict, a copy, bytes that wait."""
    talk = Talk(gap_grace_s=0.0, notes=True)
    talk.handshake(wscale=7, mss_option=1460)
    talk.client(0, b"GET / HTTP/1.1\r\n")
    talk.client(0, b"GET / XTTP/1.1\r\n")
    talk.server(0, b"HTTP", ack=16)
    talk.server(0, b"HTTP")
    talk.client(40, b"later")
    talk.server(10, b"<b>waits</b>")
    talk.server(22, b"</html>")
    talk.client(45, b"!", ack=10)
    talk.server(29, b"", ack=46)
    talk.server(60, b"beyond a hole")
    return talk


def test_every_question_has_an_answer() -> None:
    assert {"counts", "client", "last_ns", "offset_of"} <= set(questions())


@pytest.mark.parametrize("again", WAYS)
def test_a_stream_that_lives_is_copied_as_it_stands(again: Copier) -> None:
    talk = troubled()
    (stream,) = talk.assembler.streams
    counts = stream.counts(SERVER)
    assert counts["held_bytes"]
    assert stream.counts(CLIENT)["conflicts"]
    before = answers(stream)
    twin = again(stream)
    assert type(twin) is Stream
    assert twin is not stream
    assert answers(twin) == before
    talk.client(46, b"more")
    talk.assembler.finish()
    assert answers(stream) != before
    assert answers(twin) == before
    assert answers(again(twin)) == before


@pytest.mark.parametrize("again", WAYS)
def test_an_ordinary_stream_is_copied_too(again: Copier) -> None:
    # Of these the core keeps a row of numbers, and no objects.
    talk = Talk()
    talk.handshake()
    talk.client(0, b"ping")
    talk.server(0, b"pong", ack=4)
    (stream,) = talk.assembler.streams
    assert answers(again(stream)) == answers(stream)


@pytest.mark.parametrize("again", WAYS)
def test_a_stream_of_ipv6_is_copied_too(again: Copier) -> None:
    talk = Talk(
        conversation={
            "client": ("2001:db8::1", 40000),
            "server": ("2001:db8::2", 80),
        }
    )
    talk.handshake()
    (stream,) = talk.assembler.streams
    assert answers(again(stream)) == answers(stream)


@pytest.mark.parametrize("again", WAYS)
def test_what_waits_for_a_reset_is_counted_in_a_copy_too(again: Copier) -> None:
    talk = Talk()
    talk.handshake()
    talk.client(0, b"GET")
    talk.server(0, b"half of it", ack=3)
    # Whether the other end believes it is shown by what follows, which waits.
    talk.server(10, flags=RST | ACK)
    talk.server(10, b"the other half", ack=3)
    (stream,) = talk.assembler.streams
    assert stream.counts(SERVER)["held_bytes"]
    assert answers(again(stream)) == answers(stream)


def test_an_assembler_refuses_a_copy_of_its_stream() -> None:
    talk = troubled()
    twin = copy.copy(talk.assembler.streams[0])
    for act in (
        lambda: talk.assembler.close(twin),
        lambda: talk.assembler.ignore(twin, CLIENT),
        lambda: talk.assembler.skip_to(twin, CLIENT, 100),
        lambda: talk.assembler.track(twin, CLIENT, object()),
    ):
        with pytest.raises(ValueError, match="is a copy"):
            act()


@pytest.mark.parametrize("again", WAYS)
def test_events_are_copied_with_all_that_they_say(again: Copier) -> None:
    talk = troubled()
    events = [*talk.events, *talk.assembler.finish()]
    kinds = {type(event).__name__ for event in events}
    assert kinds >= {"Opened", "Data", "Gap", "Conflict", "Note", "Closed"}
    assert any(isinstance(one, Data) and len(one.pieces) > 1 for one in events)
    for event in events:
        twin = again(event)
        assert type(twin) is type(event)
        assert fields(twin) == fields(event)
        assert answers(twin.stream) == answers(event.stream)


def test_events_that_are_pickled_together_have_one_stream() -> None:
    events = list(unpacket.events(SAMPLE))
    again = pickle.loads(pickle.dumps(events))
    by_id: dict[int, Stream] = {}
    for event in again:
        assert by_id.setdefault(event.stream.id, event.stream) is event.stream
    assert len(by_id) == len({event.stream.id for event in events})


def test_a_pickled_event_is_as_large_as_its_payload() -> None:
    talk = Talk()
    talk.handshake()
    for offset in range(9000, 0, -1000):
        talk.client(offset, bytes(1000))
    talk.client(0, bytes(1000))
    (data,) = (event for event in talk.events if isinstance(event, Data))
    assert len(data.payload) == 10_000
    assert len(data.pieces) == 10
    assert len(pickle.dumps(data)) < 13_000
    assert pickle.loads(pickle.dumps(data)).pieces == data.pieces


def said(stream: WholeStream) -> list[tuple[type, dict[str, Any]]]:
    return [(type(item), fields(item)) for item in stream.conversation()]


def known(summary: Summary) -> dict[str, Any]:
    return summary.to_dict() | {"counts": summary.counts, "text": summary.to_json()}


@pytest.mark.parametrize("again", WAYS)
def test_summaries_are_copied(again: Copier) -> None:
    for summary in unpacket.summaries(SAMPLE, digest=True):
        assert known(again(summary)) == known(summary)


@pytest.mark.parametrize("spill_bytes", [0, 1 << 20])
@pytest.mark.parametrize("again", WAYS)
def test_whole_streams_are_copied_with_their_bytes(
    again: Copier, spill_bytes: int
) -> None:
    for stream in unpacket.streams(SAMPLE, spill_bytes=spill_bytes):
        twin = again(stream)
        assert type(twin) is WholeStream
        assert known(twin) == known(stream)
        spoken = said(stream)
        assert said(twin) == spoken
        evidence = [fields(one) for one in stream.conflict_events]
        assert [fields(one) for one in twin.conflict_events] == evidence
        for direction in Direction:
            assert twin.digest(direction) == stream.digest(direction)
        stream.close()
        assert said(twin) == spoken


@pytest.mark.parametrize("again", WAYS)
def test_a_whole_stream_that_let_go_of_its_bytes_is_copied_without(
    again: Copier,
) -> None:
    stream = next(unpacket.streams(SAMPLE))
    stream.close()
    twin = again(stream)
    assert known(twin) == known(stream)
    with pytest.raises(ValueError, match="closed"):
        twin.data(CLIENT)


def total_bytes(summary: Summary) -> tuple[int, int]:
    return summary.id, sum(summary.bytes)


def test_a_pool_of_processes_works_on_summaries() -> None:
    summaries = list(unpacket.summaries(SAMPLE))
    # By fork, so that they have the core of this run, whichever that is.
    with multiprocessing.get_context("fork").Pool(2) as pool:
        found = pool.map(total_bytes, summaries)
    assert found == [total_bytes(summary) for summary in summaries]


def test_a_followed_stream_says_what_to_pickle() -> None:
    streams: list[unpacket.FollowedStream] = []
    follower = unpacket.StreamFollower()
    follower.on_new_stream(streams.append)
    follower.feed(SAMPLE)
    with pytest.raises(TypeError, match=r"has callbacks.* its facts can be"):
        pickle.dumps(streams[0])
    assert answers(pickle.loads(pickle.dumps(streams[0].facts)))
