"""A loop that reads descriptors until another thread, or a signal, stops it."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Sequence
from typing import Protocol

# How long what has to be done in time may be late.
TICK_S = 0.05


class Readable(Protocol):
    """What has a descriptor."""

    def fileno(self) -> int: ...


class Loop:
    """Calls ``turn`` when there is something to read, and ``tick`` all the time."""

    def __init__(self) -> None:
        self._wake, self._woken = os.pipe()

    def stop(self) -> None:
        """Let ``run`` return soon."""
        os.write(self._woken, b"x")

    def run(
        self,
        readable: Sequence[Readable],
        turn: Callable[[], None],
        tick: Callable[[], None],
    ) -> None:
        """Go on until ``stop``."""
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        for one in readable:
            poll.register(one, select.POLLIN)
        next_tick = 0.0
        while True:
            ready = poll.poll(TICK_S * 1000)
            if any(descriptor == self._wake for descriptor, _ in ready):
                os.read(self._wake, 1)
                return
            turn()
            now = time.monotonic()
            if now >= next_tick:
                next_tick = now + TICK_S
                tick()

    def close(self) -> None:
        """Give the descriptors back."""
        for descriptor in (self._wake, self._woken):
            os.close(descriptor)
