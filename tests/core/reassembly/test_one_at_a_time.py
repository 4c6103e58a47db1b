"""An assembler that is fed twice at once, and packets whose time is none."""

import threading
from typing import Any

import pytest

import unpacket
from tests.builder import Conversation
from unpacket import Assembler, Direction, Opened


class Nested:
    """Feeds the assembler that calls it, from another thread or from this one."""

    def __init__(self, assembler: Assembler, batch: Any, *, threaded: bool) -> None:
        self.assembler = assembler
        self.batch = batch
        self.threaded = threaded
        self.errors: list[Exception] = []

    def acknowledge(self, ack: int, sacks: Any) -> None:
        if self.threaded:
            other = threading.Thread(target=self.feed)
            other.start()
            other.join()
        else:
            self.feed()

    def feed(self) -> None:
        try:
            self.assembler.feed(self.batch)
        except RuntimeError as error:
            self.errors.append(error)


@pytest.mark.parametrize("threaded", [True, False])
def test_two_at_once_are_a_clear_mistake(threaded: bool) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"question", ack=1)
    assembler = Assembler()
    (opened,) = (
        event for event in assembler.feed(talk.batch()) if isinstance(event, Opened)
    )
    more = Conversation()
    more.frames = [talk.server(1, b"answer", ack=9), talk.client(9, b"!", ack=7)]
    nested = Nested(assembler, more.batch(), threaded=threaded)
    assembler.track(opened.stream, Direction.CLIENT, nested)
    events = assembler.feed(more.batch())
    assert nested.errors
    assert "one thread" in str(nested.errors[0])
    # What was at work goes on as if nothing had happened.
    assert [event.payload for event in events if isinstance(event, unpacket.Data)] == [
        b"answer",
        b"!",
    ]


@pytest.mark.parametrize("time", [None, float("nan"), float("inf"), "now", 1e30])
def test_a_time_that_is_none_is_named_once(time: Any) -> None:
    talk = Conversation()
    talk.handshake()
    packets = [(time, data) for _, data in talk.packets]
    with pytest.warns(UserWarning, match="time is none, such as ") as caught:
        assert list(unpacket.events(packets)) == []
    assert len(caught) == 1
    assert repr(time) in str(caught[0].message)
