"""Whether a segment goes the fast path, nobody can notice.

Each capture is reassembled twice: as usual, and by an assembler that enlists no
stream, so that each segment goes the complete way. Events, counts, what streams say
of themselves between batches, and the totals are the same.
"""

import warnings
import zipfile
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builder import MS, Conversation, Frame
from tests.captured import told
from tests.properties.conversations import ENDS, ODDITIES, conversation, ordinary
from tests.properties.law import Law
from tests.properties.strategies import hostile_captures, policies
from tests.talk import CLIENT, SERVER, batches, feed_all, payload_of
from unpacket import Assembler, Batch, Policy, sources
from unpacket._core.constants import MAX_COPIES
from unpacket._core.reassembly import assembler, demultiplexer
from unpacket._core.reassembly.assembler import take_complete_way
from unpacket._core.reassembly.events import facts

TESTS = Path(__file__).parents[1]
# What differs between the ways is most likely what these decide about.
USUAL = Policy(linger_s=2.0)
VERIFIES = Policy(checksum="verify")
ACKED = Policy(deliver="acked")
OTHERS = [
    VERIFIES,
    ACKED,
    Policy(checksum="ignore", ttl_distance=0, paws=False, window=False),
    Policy(overlap="linux", conflict_window_bytes=0, gap_grace_s=0.0),
    Policy(gap="wait", max_held_segments=2),
    Policy(channel="interface"),
]
TURNS = [(0, b"GET"), (1, b"200"), (1, b"bytes"), (0, b""), (0, b"PUT"), (1, b"201")]
TURNS += [(0, b"more"), (1, b"")]
# A connection is over after a second, so that the clock decides in a conversation.
IMPATIENT = Policy(idle_timeout_s=1.0, half_open_timeout_s=1.0, linger_s=1.0)


def account(
    fed: Iterable[Batch], policy: Policy, fast: bool, **options: bool
) -> dict[str, Any]:
    """Return all that an assembler says of batches, while they come and at the end."""
    judged = Assembler(policy, **options)
    if not fast:
        take_complete_way(judged)
    law = Law(options.get("data", True))
    events: list[Any] = []
    between: list[Any] = []
    for batch in fed:
        events += judged.feed(batch)
        states = [state(stream) for stream in judged.streams]
        between.append((len(events), judged.now_ns, judged.memory_bytes, states))
    events += judged.finish()
    law(events)
    law.end(judged)
    streams = {event.stream.id: event.stream for event in events}
    return {
        "events": [facts(event) for event in events],
        "between": between,
        "streams": [state(stream) for stream in streams.values()],
        "packets": judged.packets,
        "counters": judged.counters,
        "duplicates": judged.duplicates,
        "copies": judged.copies,
        "other_channel": judged.other_channel,
        "backwards": judged.backwards,
        "sums": judged.sums and judged.sums.by_host(),
    }


def state(stream: Any) -> Any:
    """Return what a stream says of itself."""
    sides = [
        (
            stream.counts(side),
            stream.acknowledged(side),
            stream.next_seq(side),
            stream.state(side),
            stream.finished(side),
        )
        for side in (CLIENT, SERVER)
    ]
    return (stream.id, stream.last_ns, stream.close_reason, stream.complete, sides)


def same_both_ways(
    frames: Sequence[Frame], policy: Policy, cuts: Iterable[int] = (), **options: bool
) -> None:
    cuts = list(cuts)
    usual = account(batches(frames, cuts), policy, True, **options)
    complete = account(batches(frames, cuts), policy, False, **options)
    assert usual == complete


@given(
    ordinary(),
    st.one_of(st.just(USUAL), st.just(IMPATIENT), st.sampled_from(OTHERS)),
    st.booleans(),
)
def test_ordinary_conversations_are_the_same_both_ways(
    frames: list[Frame], policy: Policy, one_by_one: bool
) -> None:
    same_both_ways(frames, policy, range(len(frames)) if one_by_one else ())


@pytest.mark.parametrize("timed", [False, True], ids=["", "timed"])
@pytest.mark.parametrize("who", [0, 1], ids=["client", "server"])
@pytest.mark.parametrize("name", ODDITIES)
def test_each_oddity_is_the_same_both_ways(name: str, who: int, timed: bool) -> None:
    for policy in (USUAL, IMPATIENT, VERIFIES, ACKED):
        # Of the second nothing is known yet but the handshake, of the third not even
        # that.
        for place, offload, begins, closes in (
            (3, True, 0, None),
            (0, True, 0, 1),
            (3, False, 3, None),
        ):
            frames = conversation(
                TURNS,
                {place: (name, who)},
                timed=timed,
                offload=offload,
                begins=begins,
                ends=ENDS[who],
                closes=closes,
            )
            same_both_ways(frames, policy, range(len(frames)))


@given(hostile_captures(), policies, st.booleans())
def test_hostile_segments_are_the_same_both_ways(
    frames: list[Frame], policy: Policy, notes: bool
) -> None:
    same_both_ways(frames, policy, notes=notes)


@given(ordinary(), st.sampled_from([USUAL, *OTHERS]), st.booleans(), st.booleans())
def test_whatever_is_asked_for_is_the_same_both_ways(
    frames: list[Frame], policy: Policy, data: bool, notes: bool
) -> None:
    same_both_ways(frames, policy, data=data, notes=notes, sums=True)


def captures() -> list[Any]:
    paths = sorted(
        path
        for folder in ("conformance/captures", "faults/captures", "recordings")
        for path in (TESTS / folder).glob("*.pcap*")
    )
    return [pytest.param(path, id=path.name) for path in paths]


def read_both_ways(content: bytes, policy: Policy) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        usual, complete = (
            account(sources.open(BytesIO(content), batch_frames=100), policy, fast)
            for fast in (True, False)
        )
    assert usual == complete


@pytest.mark.parametrize("path", captures())
def test_a_capture_is_the_same_both_ways(path: Path) -> None:
    for policy in (Policy(), ACKED):
        read_both_ways(path.read_bytes(), policy)


def test_what_linux_read_is_the_same_both_ways() -> None:
    with zipfile.ZipFile(TESTS / "kernel" / "captures.zip") as captures:
        for name in captures.namelist():
            read_both_ways(captures.read(name), Policy(overlap="linux"))


# Two connections that differ in one thing, by what a row of the ledger is known by.
ALIKE = {
    "lower address": (
        (("10.0.0.1", 1000), ("10.0.0.9", 80)),
        (("10.0.0.2", 1000), ("10.0.0.9", 80)),
    ),
    "higher address": (
        (("10.0.0.1", 1000), ("10.0.0.8", 80)),
        (("10.0.0.1", 1000), ("10.0.0.9", 80)),
    ),
    "lower network": (
        (("2001:db8:0:1::1", 1000), ("2001:db9::1", 80)),
        (("2001:db8:0:2::1", 1000), ("2001:db9::1", 80)),
    ),
    "higher network": (
        (("2001:db8::1", 1000), ("2001:db9:0:1::1", 80)),
        (("2001:db8::1", 1000), ("2001:db9:0:2::1", 80)),
    ),
    "ports": (
        (("10.0.0.1", 1000), ("10.0.0.2", 80)),
        (("10.0.0.1", 1001), ("10.0.0.2", 80)),
    ),
    "version": (
        (("10.0.0.1", 1000), ("10.0.0.2", 80)),
        (("::a00:1", 1000), ("::a00:2", 80)),
    ),
    "VLAN": (
        (("10.0.0.1", 1000), ("10.0.0.2", 80)),
        (("10.0.0.1", 1000), ("10.0.0.2", 80)),
    ),
}


@pytest.mark.parametrize("name", ALIKE)
def test_connections_of_one_hash_are_told_apart(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assembler, "secret_bits", lambda count: 0)
    frames: list[Frame] = []
    talks = [Conversation(*ends, frames=frames) for ends in ALIKE[name]]
    vlans = [(1,), (2,)] if name == "VLAN" else [(), ()]
    for talk, tags in zip(talks, vlans, strict=True):
        talk.handshake(vlans=tags)
    for turn in range(3):
        for index in (1, 0):
            seq = 1 + 2 * turn
            talks[index].client(seq, b"%d%d" % (index, turn), ack=1, vlans=vlans[index])
            talks[index].server(1, ack=seq + 2, vlans=vlans[index])
    policy = Policy(context="vlan")
    same_both_ways(frames, policy)
    first, second = told(feed_all(frames, policy))
    assert first.sides[CLIENT].runs == [b"000102"]
    assert second.sides[CLIENT].runs == [b"101112"]


@pytest.mark.parametrize(
    "start_ns",
    [
        pytest.param((1 << 62) - 4 * MS, id="the last day that is counted"),
        pytest.param((1 << 63) - 1 - 40 * MS, id="the last of all"),
        pytest.param(-(1 << 63) + 1, id="the first of all"),
        pytest.param(-3 * MS, id="1970"),
    ],
)
def test_any_day_is_the_same_both_ways(start_ns: int) -> None:
    talk = Conversation(start_ns=start_ns, step_ns=MS)
    talk.handshake()
    for turn in range(4):
        talk.client(1 + turn, b"x", ack=1 + turn)
        talk.server(1 + turn, b"y", ack=2 + turn)
    talk.farewell(5, 5)
    same_both_ways(talk.frames, Policy(), range(len(talk.frames)))


def test_a_side_that_is_ignored_is_the_same_both_ways() -> None:
    frames = conversation(TURNS, {}, timed=True)
    both = []
    for fast in (True, False):
        judged = Assembler(USUAL)
        if not fast:
            take_complete_way(judged)
        first, rest = batches(frames, [3])
        events: list[Any] = list(judged.feed(first))
        judged.ignore(judged.streams[0], SERVER)
        events += judged.feed(rest) + judged.finish()
        assert payload_of(events, CLIENT) == b"GETPUTmore"
        assert payload_of(events, SERVER) == b""
        both.append([facts(event) for event in events])
    assert both[0] == both[1]


def test_copies_that_are_not_named_are_counted_both_ways() -> None:
    """So many are named; the others go the fast path."""
    talk = Conversation()
    talk.handshake()
    for number in range(MAX_COPIES + 20):
        frame = talk.client(1, ack=1, identification=1 + number)
        talk.frames.append(frame._replace(time_ns=frame.time_ns + 1000))
    same_both_ways(talk.frames, Policy())


def test_what_is_ordinary_goes_the_fast_path(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the tests above would compare one way with itself."""
    if not request.config.getoption("--pure"):
        pytest.skip("calls inside of compiled code cannot be seen")
    usual: Any = demultiplexer.quick_run  # type: ignore[attr-defined]
    gone = []

    def counted(*arguments: Any) -> int:
        stop: int = usual(*arguments)
        gone.append(stop - arguments[4])
        return stop

    monkeypatch.setattr(demultiplexer, "quick_run", counted)
    frames = conversation(TURNS, {}, timed=True, closes=None)
    account(batches(frames), USUAL, True)
    # All but the handshake.
    assert sum(gone) == len(frames) - 3
    gone.clear()
    account(batches(frames), USUAL, False)
    assert sum(gone) == 0
