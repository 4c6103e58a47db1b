"""Conflicts without end: no more is kept than the examples, and no time is lost."""

import pytest

from tests.builder import Conversation
from tests.talk import batches
from unpacket import Assembler, Batch, Conflict, Data, Policy, sources
from unpacket.faces.reader import Reading
from unpacket.integrity import checker
from unpacket.integrity.checker import check


def contradicted(small: int, wide: int) -> Conversation:
    """Small segments that wait under wide ones, which contradict all of them."""
    talk = Conversation()
    talk.handshake()
    for number in range(small):
        talk.client(3 + 8 * number, b"%4d" % (number % 10_000))
    for number in range(wide):
        talk.client(2, bytes([number]) * (8 * small))
    return talk


def test_events_come_in_lists_that_are_bounded() -> None:
    talk = contradicted(1000, 20)
    lists = list(Reading(talk.packets).lists())
    events = [event for some in lists for event in some]
    assert sum(isinstance(event, Conflict) for event in events) > 20_000
    assert max(map(len, lists)) < 4096 + 2000
    whole = Assembler()
    frames = [(one.time_ns, one.data, one.link_type) for one in talk.frames]
    at_once = whole.feed(Batch.from_frames(frames)) + whole.finish()
    assert list(map(type, events)) == list(map(type, at_once))


def test_so_many_conflicts_are_not_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    talk = contradicted(10, 3)
    frames = talk.packets
    report = check(frames, again=lambda: sources.open(frames))
    assert report.policies
    monkeypatch.setattr(checker, "MAX_COMPARED", 20)
    report = check(frames, again=lambda: sources.open(frames))
    assert report.policies is None
    assert report.why_no_policies == "more than 20 conflicts"
    assert "conflicts" in report.wrong


def test_no_more_than_some_conflicts_wait_for_an_acknowledgement() -> None:
    talk = Conversation()
    talk.handshake()
    payload = bytes(range(250)) * 4
    talk.client(1, payload)
    for number in range(3000):
        talk.client(1 + number % 1000, bytes([number % 7]))
    conflicts = 0
    assembler = Assembler(Policy(deliver="acked"))
    for batch in batches(talk.frames, [1000, 2000, 3000]):
        for event in assembler.feed(batch):
            assert not isinstance(event, Data)
            conflicts += isinstance(event, Conflict)
    left = assembler.finish()
    waited = sum(isinstance(event, Conflict) for event in left)
    assert conflicts > 1000
    assert 1000 < waited < 1100
    # Those that waited come behind what they are about.
    assert isinstance(left[0], Data)
