"""``events_async`` gives what ``events`` gives, and stops when it is told to."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builder import Conversation, write_pcap
from unpacket import SourceError, events, events_async


def dialogue() -> Conversation:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"ask")
    talk.server(1, b"answer", ack=4)
    talk.farewell(4, 7)
    return talk


async def taken(source: Any, **options: Any) -> list[str]:
    return [repr(event) async for event in events_async(source, **options)]


def test_the_same_events(tmp_path: Path) -> None:
    path = tmp_path / "talk.pcap"
    write_pcap(path, dialogue())
    wanted = [repr(event) for event in events(path, notes=True)]
    assert len(wanted) > 4
    assert asyncio.run(taken(path, notes=True)) == wanted
    assert asyncio.run(taken(dialogue().packets, notes=True)) == wanted


def test_errors_of_the_source(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        asyncio.run(taken(tmp_path / "absent.pcap"))


class Endless:
    """Packets that never end, and when they were no longer asked for."""

    def __init__(self) -> None:
        self.taken = 0
        self.closed = False

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        talk = Conversation()
        talk.handshake()
        try:
            while True:
                talk.client(1 + self.taken, b"x")
                self.taken += 1
                yield talk.packets[-1] if self.taken > 3 else talk.packets[self.taken]
        finally:
            self.closed = True


def test_cancelled() -> None:
    async def cancel() -> None:
        task = asyncio.ensure_future(taken(slow()))
        await asyncio.sleep(0.05)
        task.cancel()
        started = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - started < 1

    def slow() -> Iterator[tuple[int, bytes]]:
        for packet in dialogue().packets * 1000:
            time.sleep(0.01)
            yield packet

    asyncio.run(cancel())


def test_never_reads_ahead() -> None:
    source = Endless()

    async def some() -> None:
        happening = events_async(source)
        async for _ in happening:
            break
        before = source.taken
        await asyncio.sleep(0.05)
        assert source.taken == before
        await happening.aclose()

    asyncio.run(some())
