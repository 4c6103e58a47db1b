"""The wire between two TUN devices: one process that mistreats packets by dice.

Each direction has dice of its own and throws the same number of them for each
packet, so a seed fixes the fate of the n-th packet of a direction. It does not
fix the timing, nor therefore what the n-th packet is: those are the kernel's.
"""

import heapq
import os
import random
import select
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

_LARGEST_PACKET = 65535


@dataclass(frozen=True)
class Impairment:
    """How likely each mishap is, from 0 to 1, and how long the wire is.

    Attributes:
        lost_before_capture: The packet gets neither to the capture nor the peer.
        lost_after_capture: It is in the capture and never gets to the peer.
        not_captured: It gets to the peer and is left out of the capture.
        duplicated: It is carried a second time, 2 ms later.
        delayed: It takes up to `delay_s` longer, so that others overtake it.
        latency_s: What every packet takes from end to end.
    """

    lost_before_capture: float = 0.0
    lost_after_capture: float = 0.0
    not_captured: float = 0.0
    duplicated: float = 0.0
    delayed: float = 0.0
    latency_s: float = 0.005
    delay_s: float = 0.012


@dataclass(frozen=True)
class Fate:
    """What befell one frame: at most one of `lost` and `not_captured`."""

    lost: bool
    not_captured: bool
    duplicate: bool
    delay_ms: int

    def __str__(self) -> str:
        """Say it in a few words; nothing befell most frames."""
        words = []
        if self.duplicate:
            words.append("a second copy, made by the wire")
        if self.delay_ms:
            words.append(f"delayed by {self.delay_ms} ms")
        if self.lost:
            words.append("lost behind the capture point")
        return ", ".join(words)


Tap = Callable[[int, bytes, Fate], None]
"""Called with the time since the epoch in ns, the frame and its fate."""


class Wire:
    """Carry packets between the descriptors of two TUN devices.

    Frames pass the tap in the order of their times, late ones when they are due.

    Attributes:
        mishaps: How often each kind of mishap happened.
        last_s: When a packet last came in, on the clock of `time.monotonic`.
    """

    def __init__(
        self, ends: tuple[int, int], impairment: Impairment, seed: int, tap: Tap
    ) -> None:
        self.mishaps: Counter[str] = Counter()
        self.last_s = time.monotonic()
        self._peer = {ends[0]: ends[1], ends[1]: ends[0]}
        self._impairment = impairment
        self._dice = {fd: random.Random(f"{seed}/{n}") for n, fd in enumerate(ends)}
        self._tap = tap
        self._under_way: list[tuple[float, int, int, bytes, Fate]] = []
        self._order = 0
        # One reading of the wall clock: a step of it while recording would
        # put frames out of their order.
        self._epoch_ns = time.time_ns() - time.monotonic_ns()

    def carry(self, seconds: float) -> None:
        """Do the wire's work for this long."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            wake = min(end, self._under_way[0][0]) if self._under_way else end
            for fd in select.select(list(self._peer), [], [], max(0.0, wake - now))[0]:
                self._take_in(fd)
            while self._under_way and self._under_way[0][0] <= time.monotonic():
                _, _, fd, packet, fate = heapq.heappop(self._under_way)
                self._give_out(fd, packet, fate)

    def _take_in(self, fd: int) -> None:
        try:
            packet = os.read(fd, _LARGEST_PACKET)
        except BlockingIOError:
            return
        self.last_s = time.monotonic()
        chance = self._impairment
        dice = self._dice[fd]
        before, double, *copies = (dice.random() for _ in range(10))
        if before < chance.lost_before_capture:
            self.mishaps["lost_before_capture"] += 1
            return
        self._send(fd, packet, copies[:4], duplicate=False)
        if double < chance.duplicated:
            self.mishaps["duplicated"] += 1
            self._send(fd, packet, copies[4:], duplicate=True)

    def _send(
        self, fd: int, packet: bytes, dice: list[float], *, duplicate: bool
    ) -> None:
        chance = self._impairment
        late, how_late, lost, unseen = dice
        delay_s = how_late * chance.delay_s if late < chance.delayed else 0.0
        fate = Fate(
            lost=lost < chance.lost_after_capture,
            not_captured=unseen < chance.not_captured
            and lost >= chance.lost_after_capture,
            duplicate=duplicate,
            delay_ms=round(delay_s * 1000),
        )
        if delay_s:
            self.mishaps["delayed"] += 1
        due = self.last_s + chance.latency_s + delay_s + 0.002 * duplicate
        self._order += 1
        entry = (due, self._order, self._peer[fd], packet, fate)
        heapq.heappush(self._under_way, entry)

    def _give_out(self, fd: int, packet: bytes, fate: Fate) -> None:
        self._tap(self._epoch_ns + time.monotonic_ns(), packet, fate)
        if fate.lost:
            self.mishaps["lost_after_capture"] += 1
        else:
            os.write(fd, packet)
