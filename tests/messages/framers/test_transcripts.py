"""Every framer by hand-made conversations: offsets, lengths, facts, and what it costs
to lose some of it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.messages.framers.transcripts import TEXT, Transcript
from tests.messages.framers.transcripts_binary import BINARY
from tests.messages.halves import (
    Turn,
    check_cuts,
    check_partition,
    events_of,
    items_of,
)
from unpacket.messages import Message, Skipped
from unpacket.messages.detect import Detect
from unpacket.messages.framers.measured import Measured
from unpacket.messages.framers.registry import OWN, framer_named

TRANSCRIPTS = TEXT | BINARY
NAMES = sorted(TRANSCRIPTS)


def expected(transcript: Transcript) -> list[tuple[int, int, int, dict[str, Any]]]:
    """Return side, offset, length and facts of each message, in order of offsets."""
    edges = [0, 0]
    found = []
    for side, _, messages in transcript.rows:
        for length, facts in messages:
            found.append((side, edges[side], length, facts))
            edges[side] += length
    return sorted(found, key=lambda one: one[:2])


def said(items: list[Any], wanted: Any) -> list[Any]:
    """Return the same of messages, with those facts alone that are asked for."""
    messages = [item for item in items if isinstance(item, Message)]
    messages.sort(key=lambda one: (int(one.direction), one.offset))
    found = []
    for n, one in enumerate(messages):
        asked = wanted[n][3] if n < len(wanted) else {}
        facts = one.facts
        told = {name: facts.get(name, "absent") for name in asked}
        found.append((int(one.direction), one.offset, one.length, told))
    return found


def place(item: Any) -> tuple[int, int] | None:
    """Return side and offset of a message that is complete."""
    is_whole = isinstance(item, Message) and item.complete
    return (int(item.direction), item.offset) if is_whole else None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("chosen", ["by name", "by content"])
def test_a_conversation_is_what_its_rows_say(name: str, chosen: str) -> None:
    transcript = TRANSCRIPTS[name]
    events = events_of(transcript.turns, port=transcript.port)
    framer = Detect() if chosen == "by content" else transcript.make()
    items = check_cuts(events, framer, 1)
    wanted = expected(transcript)
    assert said(items, wanted) == wanted
    others = [item for item in items if not isinstance(item, Message)]
    assert all(item.protocol == transcript.tunnel for item in others)
    items = [item for item in items if isinstance(item, Message)]
    if chosen == "by content":
        assert {item.known_by for item in items} <= {"content", "upgrade"}
    assert all(item.summary.isprintable() or "\n" in item.summary for item in items)


@pytest.mark.parametrize("name", NAMES)
def test_every_truncation_gives_the_same_messages_before_it(name: str) -> None:
    transcript = TRANSCRIPTS[name]
    events = events_of(transcript.turns, port=transcript.port)
    complete = {place(item) for item in items_of(events, transcript.make())}
    complete -= {None, *transcript.undecided}
    whole = [one for one in expected(transcript) if one[:2] in complete]
    total = sum(len(octets) for _, octets in transcript.turns)
    for length in range(0, total, max(1, total // 150)):
        left = length
        turns: list[Turn] = []
        edges = [0, 0]
        for side, octets in transcript.turns:
            turns.append((side, octets[:left]))
            edges[side] += len(octets[:left])
            left = max(0, left - len(octets))
        events = events_of(turns, port=transcript.port, fin=length % 2 == 0)
        items = items_of(events, transcript.make())
        check_partition(events, items)
        ended = [one for one in whole if one[1] + one[2] <= edges[one[0]]]
        found = [item for item in items if place(item) in complete]
        assert said(found, ended)[: len(ended)] == ended


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_loss_gives_the_same_however_it_is_cut(name: str, data: Any) -> None:
    transcript = TRANSCRIPTS[name]
    turns: list[Turn] = []
    for side, payload in transcript.turns:
        at = 0
        for _ in range(data.draw(st.sampled_from([0, 0, 1]))):
            start = data.draw(st.integers(at, len(payload)))
            stop = data.draw(st.integers(start, len(payload)))
            turns += [(side, payload[at:start]), (side, stop - start)]
            at = stop
        turns.append((side, payload[at:]))
    handshake = data.draw(st.booleans())
    chosen = Detect() if data.draw(st.booleans()) else transcript.make()
    events = events_of(turns, port=transcript.port, handshake=handshake)
    check_cuts(events, chosen, data.draw(st.integers(0, 999)))


MEASURED = [
    name
    for name, transcript in TRANSCRIPTS.items()
    if isinstance(transcript.make(), Measured)
]


@pytest.mark.parametrize("name", MEASURED)
@given(data=st.data())
def test_no_byte_behind_those_that_decide_changes_a_length(
    name: str, data: Any
) -> None:
    transcript = TRANSCRIPTS[name]
    side, payload = data.draw(st.sampled_from(transcript.turns))
    start = data.draw(st.integers(0, len(payload) - 1))
    octets = payload[start:] + data.draw(st.binary(max_size=20))
    framer = transcript.make()
    framer.begin(0, True)
    half: Any = framer.begin(side, data.draw(st.booleans()))
    sought = data.draw(st.booleans())
    answers = [
        half.measure(octets[:size], 0, sought) for size in range(1, len(octets) + 1)
    ]
    wanted = 0
    for size, answer in enumerate(answers, 1):
        # What has an answer keeps it, and what needs more needs all of that.
        if size >= wanted and answer >= 0:
            assert set(answers[size - 1 :]) == {answer}
            break
        assert answer < 0
        wanted = max(wanted, size - answer)


def test_what_follows_an_empty_packet_of_mysql_is_not_its_first_byte() -> None:
    check_cuts(
        events_of([(1, b"\0\0\0\0\x0a8.0")], port=3306), framer_named("mysql"), 1
    )


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_noise_is_accounted_for(name: str, data: Any) -> None:
    transcript = TRANSCRIPTS[name]
    turns: list[Turn] = []
    for side, payload in transcript.turns:
        at = data.draw(st.integers(0, len(payload)))
        cut = data.draw(st.integers(at, len(payload)))
        noise = data.draw(st.binary(max_size=40))
        turns.append((side, payload[:at] + noise + payload[cut:]))
    events = events_of(turns, port=transcript.port)
    check_cuts(events, transcript.make(), 3)


LENGTHS_FIRST = [name for name in [*BINARY, "postgresql", "mysql"] if "tls" not in name]


@pytest.mark.parametrize("name", LENGTHS_FIRST)
def test_a_hole_inside_a_known_length_costs_its_bytes(name: str) -> None:
    transcript = TRANSCRIPTS[name]
    rows = expected(transcript)
    side, offset, length, _ = max(rows, key=lambda row: row[2])
    lost = max(1, length // 10)
    start = offset + length - lost - 1
    edges = [0, 0]
    turns: list[Turn] = []
    for sender, octets in transcript.turns:
        at = start - edges[sender]
        edges[sender] += len(octets)
        if sender == side and 0 <= at < len(octets):
            turns += [(sender, octets[:at]), (sender, lost)]
            octets = octets[at + lost :]
        turns.append((sender, octets))
    items = items_of(events_of(turns, port=transcript.port), transcript.make())
    messages = [item for item in items if isinstance(item, Message)]
    found = {(int(one.direction), one.offset, one.length): one for one in messages}
    assert found.keys() == {row[:3] for row in rows}
    hurt = [one for one in messages if not one.complete]
    assert [(one.offset, sum(hole.length for hole in one.holes)) for one in hurt] == [
        (offset, lost)
    ]


@pytest.mark.parametrize(
    ("name", "side", "octets", "known"),
    [
        pytest.param("redis", 0, b"*2\r\n$3\r\nSET\r\n$90\r\n" + b"x" * 90 + b"\r\n",
                     90, id="a string of redis"),
        pytest.param("smtp", 0, b"BDAT 90 LAST\r\n" + b"x" * 90, 90, id="a chunk"),
        pytest.param("imap", 1, b"* 1 FETCH ({90}\r\n" + b"x" * 90 + b")\r\n", 90,
                     id="a literal"),
    ],
)  # fmt: skip
def test_so_does_one_in_what_has_its_length_before_it(
    name: str, side: int, octets: bytes, known: int
) -> None:
    at = octets.index(b"x")
    for start in (at, at + 1, at + 40):
        for stop in (start + 1, at + known):
            turns: list[Turn] = [(side, octets[:start]), (side, stop - start)]
            turns += [(side, octets[stop:]), (side, octets)]
            items = items_of(events_of(turns), TRANSCRIPTS[name].make())
            assert [(one.offset, one.length, one.complete) for one in items] == [
                (0, len(octets), False),
                (len(octets), len(octets), True),
            ]


@pytest.mark.parametrize("name", NAMES)
def test_noise_alone_stays_within_the_bounds(name: str) -> None:
    from random import Random

    noise = Random(7).randbytes(30_000)
    events = events_of([(0, noise), (1, noise)], port=9)
    check_partition(
        events,
        items_of(events, TRANSCRIPTS[name].make(), max_pending_bytes=5000),
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_conversation_is_of_no_other_protocol(name: str) -> None:
    """Whatever of the first turns is there: never another name than its own."""
    transcript = TRANSCRIPTS[name]
    for count in range(1, 4):
        for side in (0, 1, None):
            turns = [
                turn for turn in transcript.turns[:count] if side in (None, turn[0])
            ]
            items = items_of(events_of(turns, port=9), Detect())
            assert {
                item.protocol for item in items if not isinstance(item, Skipped)
            } <= {
                framer_named(name.split()[0]).name,
                "unknown",
            } | ({transcript.tunnel} if transcript.tunnel else set())


def test_every_framer_has_a_conversation() -> None:
    elsewhere = {"http", "http2", "tls", "dns", "websocket", "lines", "prefixed"}
    assert {one.split()[0] for one in NAMES} == set(OWN) - elsewhere
