"""The netfilter queue: packets that the host forwards, inspected on the way.

The rule that leads them here stands in the table ``raw``, before connections are
tracked: else the kernel would take streams whose length was changed for invalid.
"""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from unpacket._core.reassembly.stream import Stream
from unpacket.errors import SourceError
from unpacket.inline.clock import steady_clock
from unpacket.inline.engine import Engine
from unpacket.inline.loop import Loop
from unpacket.inline.nfnetlink import Queued, QueueSocket
from unpacket.inline.outbox import Outcome
from unpacket.inline.packets import Packet
from unpacket.inline.routing import run
from unpacket.inline.segmentation import filled, pieces
from unpacket.inline.settings import Settings

# How many packets share a verdict.
BATCH_PACKETS = 64
MAX_PACKETS = 8192
SO_MARK = 36
IPV6_HDRINCL = 36
NFT_TABLE = "unpacket"
# Of Ethernet, and what IPv6 asks of every way (RFC 8200 section 5).
USUAL_MTU, LEAST_MTU = 1500, 1280


@dataclass(slots=True)
class Losses:
    """What was not inspected.

    Attributes:
        queue: Packets that the kernel dropped, or with ``fail_open`` let pass, since
            too many waited. The kernel counts only those that it dropped.
        socket: Packets that were lost on the way to this process.
        full: How often the queue was found full with ``fail_open``: each time some may
            have passed that nobody counted.
        cut: Packets that came cut, and were dropped (with ``on_failure="open"``:
            passed).
        unsent: Packets of our own that the kernel did not take.
    """

    queue: int = 0
    socket: int = 0
    full: int = 0
    cut: int = 0
    unsent: int = 0


class Queue:
    """A queue of the kernel, and an engine behind it.

    Use it with ``with``::

        with Queue(inspector, 0, install=True) as queue:
            queue.run()

    Attributes:
        engine: With ``statistics`` of what went through.
        losses: What did not.
    """

    def __init__(
        self,
        inspector: object,
        number: int = 0,
        *,
        install: bool = False,
        balance: int = 1,
        interface: str | None = None,
        fail_open: bool = False,
        settings: Settings | None = None,
        report: Callable[[Stream | None, Exception], None] = lambda stream, error: None,
    ) -> None:
        """Prepare a queue.

        Args:
            number: From 0 to 65535.
            install: Put the rules for TCP into ``raw`` PREROUTING, and take them out
                at the end; else somebody else does.
            balance: With ``install``: let so many queues share the packets, this one
                and those behind it, each with a process of its own. The kernel
                chooses by the two addresses alone: all between two hosts is of one
                queue.
            interface: Only what comes in by it. For both directions of streams there
                have to be two queues' worth of rules; None takes all.
            fail_open: Let pass, and not drop, what nobody has time for, and everything
                while no process has the queue.
            report: Called with each exception of the inspector.

        Raises:
            ValueError: There are no such queues.
            TypeError: ``inspector`` is none.
        """
        if not 0 <= number <= 0xFFFF:
            raise ValueError(f"there is no queue {number}: they go from 0 to 65535")
        if not 1 <= balance <= 0x10000 - number:
            raise ValueError(f"there are no {balance} queues from {number} on")
        settings = settings or Settings()
        if fail_open:
            settings = dataclasses.replace(settings, passes_unseen=True)
        self.engine = Engine(inspector, settings, report=report)
        self.losses = Losses()
        self._number = number
        self._install = install
        self._balance = balance
        self._interface = interface
        self._fail_open = fail_open
        self._stack = ExitStack()
        self._now_ns = steady_clock()
        self._loop: Loop | None = None
        self._last_id = 0
        self._noted = 0
        self._noted_ns = 0
        self._senders: dict[tuple[int, int | None], socket.socket] = {}

    def __enter__(self) -> Self:
        """Take the queue, and install the rules.

        Raises:
            SourceError: It is not to be had; the message says why.
        """
        try:
            self._queue = self._stack.enter_context(
                QueueSocket(
                    self._number, max_packets=MAX_PACKETS, fail_open=self._fail_open
                )
            )
            if self._install:
                for command, undo in rules(
                    self._number, self._balance, self._interface, self._fail_open
                ):
                    run(command)
                    self._stack.callback(try_to, undo)
            self._loop = Loop()
            self._stack.callback(self._loop.close)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop = None
        self._stack.close()
        for sender in self._senders.values():
            sender.close()
        self._senders.clear()

    def stop(self) -> None:
        """Let ``run`` return soon; from a handler of signals or another thread."""
        if self._loop is not None:
            self._loop.stop()

    def run(self) -> None:
        """Judge packets until ``stop``."""
        assert self._loop is not None, "run() is for inside of with"
        self._noted_ns = self._now_ns()
        self._loop.run([self._queue], self._turn, self._tick)

    def _tick(self) -> None:
        for outcome in self.engine.tick(self._now_ns()):
            self._send_all(outcome.forward + outcome.back)
        self._note_losses()

    def _note_losses(self) -> None:
        """Let the streams know what went by unseen since the last time."""
        counted = self._queue.counted()
        now_ns = self._now_ns()
        self.losses.queue = counted.dropped
        if self._fail_open and counted.waiting >= MAX_PACKETS:
            self.losses.full += 1
        lost = self.losses.queue + self.losses.socket + self.losses.full
        if lost > self._noted:
            self.engine.losses.add(self._noted_ns, now_ns, lost - self._noted)
            self._noted = lost
        self._noted_ns = now_ns

    def _turn(self) -> None:
        """Read what there is, up to a bound, inspect it together, and answer."""
        waiting: list[Queued] = []
        while len(waiting) < BATCH_PACKETS:
            some = self._queue.read()
            if not some:
                break
            waiting += some
        if not waiting:
            return
        whole: list[tuple[Queued, Packet]] = []
        for item in waiting:
            if self._last_id and item.id > self._last_id + 1:
                self.losses.socket += item.id - self._last_id - 1
            self._last_id = item.id
            if item.cut:
                self.losses.cut += 1
                if self.engine.settings.on_failure == "closed":
                    self._queue.drop(item.id)
                continue
            gso_size = 1 if item.is_gso else 0
            packet = Packet(item.data, item.partial, gso_size, item.mark)
            whole.append((item, packet))
        outcomes = self.engine.process(
            [(0, packet) for _, packet in whole], self._now_ns()
        )
        # A verdict for many covers all that have none: so the others come first.
        for (item, packet), outcome in zip(whole, outcomes, strict=True):
            self._answer(item, packet, outcome)
        self._queue.accept_up_to(waiting[-1].id)

    def _answer(self, item: Queued, packet: Packet, outcome: Outcome) -> None:
        forward = outcome.forward
        if not forward:
            self._queue.drop(item.id)
        elif forward[0] is not packet:
            # Those before it, if they have no verdict, go on before it.
            self._queue.accept_up_to(item.id - 1)
            self._queue.replace(item.id, filled(forward[0]).data, item.mark)
        self._send_all(forward[1:])
        self._send_all(outcome.back)

    def _send_all(self, packets: list[Packet]) -> None:
        """Send packets of our own; they do not come by the rules again."""
        for packet in packets:
            whole = filled(packet)
            for piece in pieces(whole, USUAL_MTU):
                if not self._send(piece):
                    break
            else:
                continue
            # The way is narrower than most.
            for piece in pieces(whole, LEAST_MTU):
                if not self._send(piece):
                    self.losses.unsent += 1

    def _send(self, packet: Packet) -> bool:
        """Send a packet; return whether the kernel took it."""
        version = packet.data[0] >> 4
        try:
            sender = self._sender(version, packet.mark)
            if version == 4:
                target = socket.inet_ntop(socket.AF_INET, packet.data[16:20])
                sender.sendto(packet.data, (target, 0))
            else:
                target = socket.inet_ntop(socket.AF_INET6, packet.data[24:40])
                sender.sendto(packet.data, (target, 0, 0, 0))
        except OSError:
            return False
        return True

    def _sender(self, version: int, mark: int | None) -> socket.socket:
        """Return a socket that takes whole packets, and gives them a mark."""
        key = version, mark or None
        if key not in self._senders:
            if len(self._senders) > 64:
                self._senders.popitem()[1].close()
            family = socket.AF_INET if version == 4 else socket.AF_INET6
            sender = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
            if version == 6:
                sender.setsockopt(socket.IPPROTO_IPV6, IPV6_HDRINCL, 1)
            if mark:
                sender.setsockopt(socket.SOL_SOCKET, SO_MARK, mark)
            sender.setblocking(False)
            self._senders[key] = sender
        return self._senders[key]


Commands = list[tuple[tuple[str, ...], tuple[str, ...]]]


def rules(
    number: int, balance: int, interface: str | None, fail_open: bool
) -> Commands:
    """Return the commands that lead TCP into queues, each with what undoes it.

    With iptables where that works, else with nft: kernels may lack either.
    """
    bypass = ("--queue-bypass",) if fail_open else ()
    matched = ("-p", "tcp", *(("-i", interface) if interface else ()))
    numbers = ("--queue-num", str(number))
    if balance > 1:
        numbers = ("--queue-balance", f"{number}:{number + balance - 1}")
    jump = ("-j", "NFQUEUE", *numbers, *bypass)
    commands: Commands = []
    for program in filter(has, ("iptables", "ip6tables")):
        start = (program, "-w", "5", "-t", "raw")
        rule = ("PREROUTING", *matched, *jump)
        commands.append(((*start, "-I", *rule), (*start, "-D", *rule)))
    if not commands:
        table = ("inet", f"{NFT_TABLE}{number}")
        hook = "{ type filter hook prerouting priority raw ; }"
        iif = f"iifname {interface} " if interface else ""
        last = " bypass" if fail_open else ""
        which = f"{number}-{number + balance - 1}" if balance > 1 else f"{number}"
        rule = (f"{iif}meta l4proto tcp queue num {which}{last}",)
        undo = ("nft", "delete", "table", *table)
        commands = [
            (("nft", "add", "table", *table), undo),
            (("nft", "add", "chain", *table, "prerouting", hook), ("true",)),
            (("nft", "add", "rule", *table, "prerouting", *rule), ("true",)),
        ]
    return commands


def has(program: str) -> bool:
    """Return whether a program of the host is there, and works."""
    try:
        run((program, "-t", "raw", "-S"))
    except SourceError:
        return False
    return True


def try_to(command: tuple[str, ...]) -> None:
    """Run a command that takes down what may be gone already."""
    try:
        run(command)
    except SourceError:
        return
