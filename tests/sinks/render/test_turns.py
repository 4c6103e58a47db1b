"""Whoever answers has read what it answers, and comes behind it."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builder import Conversation
from tests.talk import said
from unpacket import Data, Gap, Policy, events
from unpacket.sinks.render.turns import Turns

POLICIES = (Policy(deliver="acked"), Policy())


def in_turns(found: list[Any]) -> list[Any]:
    turns = Turns()
    return [one for event in found for one in turns.take(event)]


def talk_of(seed: int, lost: bool, *, shuffled: bool = True) -> Conversation:
    """Return requests of two packets, each with an answer that acknowledges both."""
    random = Random(seed)
    talk = Conversation()
    talk.handshake()
    client, server = 1, 1
    for number in range(random.randrange(1, 12)):
        request = b"request %d\n" % number
        halves = [(client, request[:4]), (client + 4, request[4:])]
        if shuffled and random.random() < 0.5:
            halves.reverse()
        late = None
        if random.random() < 0.4:
            # Captured behind the answer, or not at all.
            late = halves.pop()
        for seq, payload in halves:
            talk.client(seq, payload, ack=server)
        client += len(request)
        answer = b"answer %d\n" % number
        talk.server(server, answer, ack=client)
        server += len(answer)
        if late is not None and not lost:
            talk.client(*late, ack=server - len(answer))
        if random.random() < 0.5:
            talk.client(client, ack=server)
    talk.client(client, ack=server)
    return talk


def lines(found: list[Any]) -> list[tuple[str, bytes]]:
    """Return who said which line, with a hole as a line of its own."""
    spoken: list[tuple[str, bytes]] = []
    for event in found:
        if not isinstance(event, Data | Gap):
            continue
        text = event.payload if isinstance(event, Data) else b"~" * event.length
        side = str(event.direction)
        if spoken and spoken[-1][0] == side and not spoken[-1][1].endswith(b"\n"):
            side, before = spoken.pop()
            text = before + text
        spoken += [(side, line) for line in text.splitlines(keepends=True)]
    return spoken


@pytest.mark.parametrize("policy", POLICIES)
@given(st.integers(0, 1 << 32))
def test_each_answer_comes_behind_its_request(policy: Policy, seed: int) -> None:
    talk = talk_of(seed, lost=False)
    spoken = lines(in_turns(list(events(talk.packets, policy=policy))))
    wanted = []
    for number in range(len(spoken) // 2):
        wanted.append(("client", b"request %d\n" % number))
        wanted.append(("server", b"answer %d\n" % number))
    assert spoken == wanted


@pytest.mark.parametrize("policy", POLICIES)
@given(st.integers(0, 1 << 32), st.booleans())
def test_each_side_is_as_it_was(policy: Policy, seed: int, lost: bool) -> None:
    """All events come, and those of a side in their order."""
    found = list(events(talk_of(seed, lost).packets, policy=policy))
    turned = in_turns(found)
    for side in ("client", "server"):
        before, after = (
            [one for one in said(some) if one[1:2] == (side,)]
            for some in (found, turned)
        )
        assert joined(before) == joined(after)
    assert said(turned)[0] == ("opened",)
    assert said(turned)[-1][0] == "closed"


def joined(told: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return events with neighbouring data as one."""
    found: list[tuple[Any, ...]] = []
    for one in told:
        if found and one[0] == found[-1][0] == "data":
            one = (*found[-1][:3], found.pop()[3] + one[3])
        found.append(one)
    return found


@pytest.mark.parametrize("payload_bytes", [1, 70_000])
def test_an_answer_does_not_wait_without_bound(payload_bytes: int) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(5, b"behind a hole", ack=1)
    seq = 1
    for _ in range(2000 if payload_bytes == 1 else 20):
        size = min(payload_bytes, 60_000)
        talk.server(seq, bytes(size), ack=18)
        seq += size
    policy = Policy(gap="wait", window=False)
    turns = Turns()
    waiting = most = 0
    for event in events(talk.packets, policy=policy):
        size = len(event.payload) if isinstance(event, Data) else 0
        waiting += size
        for one in turns.take(event):
            waiting -= len(one.payload) if isinstance(one, Data) else 0
        most = max(most, waiting)
    assert waiting == 0
    assert 0 < most < 1 << 21


def test_what_was_never_captured_is_not_waited_for() -> None:
    talk = Conversation()
    talk.handshake()
    for seq, ack in ((1, 100), (4, 200), (7, 300)):
        talk.server(seq, b"abc", ack=ack)
        talk.client(ack, ack=seq + 3)
    turns = Turns()
    *before, _ = events(talk.packets, policy=Policy())
    given = [one for event in before for one in turns.take(event)]
    assert sorted(joined(said(given))) == sorted(joined(said(before)))
