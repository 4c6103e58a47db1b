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
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import offload
from .offload import Offloaded

_LARGEST_READ = 65535 + offload.HEADER_LENGTH


@dataclass(frozen=True)
class Impairment:
    """How likely each mishap is, from 0 to 1, and how long the wire is.

    Attributes:
        lost_before_capture: The packet does not get to the middle of the wire.
        lost_after_capture: It passes the middle and never gets to the peer.
        not_captured: It passes a capture point, which leaves it out.
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
    """What befell one packet on the wire."""

    lost: bool = False
    duplicate: bool = False
    delay_ms: int = 0

    def __str__(self) -> str:
        """Say it in a few words; nothing befell most packets."""
        words = []
        if self.duplicate:
            words.append("a second copy, made by the wire")
        if self.delay_ms:
            words.append(f"delayed by {self.delay_ms} ms")
        if self.lost:
            words.append("lost behind the capture point")
        return ", ".join(words)


Tap = Callable[[int, bytes, str, bool], None]
"""Called with the time since the epoch in ns, the frame, what befell it, and
whether the dice say that the capture leaves it out."""


@dataclass(frozen=True, order=True)
class _UnderWay:
    """A packet that has its place in the order of what is still to come."""

    due_s: float
    order: int
    sender: int
    sent: Offloaded
    fate: Fate
    unseen_in_the_middle: bool
    unseen_at_the_end: bool


class Wire:
    """Carry packets between the descriptors of two TUN devices.

    The capture points are at the client's end of the wire, in its middle, and at
    the server's end: ``client``, ``middle`` and ``server``. Frames pass each in
    the order of their times.

    Attributes:
        mishaps: How often each kind of mishap happened.
        last_s: When a packet last came in, on the clock of `time.monotonic`.
    """

    def __init__(
        self,
        ends: tuple[int, int],
        impairment: Impairment,
        seed: int,
        taps: Mapping[str, Tap],
        offloading: str = "none",
    ) -> None:
        self.mishaps: Counter[str] = Counter()
        self.last_s = time.monotonic()
        self._peer = {ends[0]: ends[1], ends[1]: ends[0]}
        self._impairment = impairment
        self._dice = {fd: random.Random(f"{seed}/{n}") for n, fd in enumerate(ends)}
        self._end_dice = {
            fd: random.Random(f"{seed}/{n}/ends") for n, fd in enumerate(ends)
        }
        self._taps = taps
        self._place = {ends[0]: "client", ends[1]: "server"}
        self._offloading = offloading
        self._under_way: list[_UnderWay] = []
        self._order = 0
        # One reading of the wall clock: a step of it while recording would
        # put frames out of their order.
        self._epoch_ns = time.time_ns() - time.monotonic_ns()

    def carry(self, seconds: float) -> None:
        """Do the wire's work for this long."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            wake = min(end, self._under_way[0].due_s) if self._under_way else end
            for fd in select.select(list(self._peer), [], [], max(0.0, wake - now))[0]:
                self._take_in(fd)
            while self._under_way and self._under_way[0].due_s <= time.monotonic():
                self._give_out(heapq.heappop(self._under_way))

    def _take_in(self, fd: int) -> None:
        try:
            read = os.read(fd, _LARGEST_READ)
        except BlockingIOError:
            return
        self.last_s = time.monotonic()
        if self._offloading == "none":
            sent = Offloaded(offload.NOTHING_LEFT, read)
        else:
            sent = offload.of(read)
        unseen = self._end_dice[fd].random() < self._impairment.not_captured
        self._show(self._place[fd], sent.packet, "", unseen)
        if self._offloading == "nic":
            for packet in sent.finished():
                self._mistreat(fd, Offloaded(offload.NOTHING_LEFT, packet))
        else:
            self._mistreat(fd, sent)

    def _mistreat(self, fd: int, sent: Offloaded) -> None:
        chance = self._impairment
        before, double, *copies = (self._dice[fd].random() for _ in range(10))
        ends = [self._end_dice[fd].random() for _ in range(2)]
        if before < chance.lost_before_capture:
            self.mishaps["lost_before_capture"] += 1
            return
        self._send(fd, sent, [*copies[:4], ends[0]], duplicate=False)
        if double < chance.duplicated:
            self.mishaps["duplicated"] += 1
            self._send(fd, sent, [*copies[4:], ends[1]], duplicate=True)

    def _send(
        self, fd: int, sent: Offloaded, dice: list[float], *, duplicate: bool
    ) -> None:
        chance = self._impairment
        late, how_late, lost, unseen, unseen_at_the_end = dice
        delay_s = how_late * chance.delay_s if late < chance.delayed else 0.0
        if delay_s:
            self.mishaps["delayed"] += 1
        fate = Fate(lost < chance.lost_after_capture, duplicate, round(delay_s * 1000))
        self._order += 1
        under_way = _UnderWay(
            self.last_s + chance.latency_s + delay_s + 0.002 * duplicate,
            self._order,
            fd,
            sent,
            fate,
            unseen < chance.not_captured and not fate.lost,
            unseen_at_the_end < chance.not_captured,
        )
        heapq.heappush(self._under_way, under_way)

    def _give_out(self, it: _UnderWay) -> None:
        self._show("middle", it.sent.packet, str(it.fate), it.unseen_in_the_middle)
        if it.fate.lost:
            self.mishaps["lost_after_capture"] += 1
            return
        peer = self._peer[it.sender]
        place = self._place[peer]
        self._show(place, it.sent.packet, str(it.fate), it.unseen_at_the_end)
        if self._offloading == "none":
            os.write(peer, it.sent.packet)
        else:
            os.write(peer, it.sent.header + it.sent.packet)

    def _show(self, place: str, packet: bytes, note: str, unseen: bool) -> None:
        if tap := self._taps.get(place):
            tap(self._epoch_ns + time.monotonic_ns(), packet, note, unseen)
