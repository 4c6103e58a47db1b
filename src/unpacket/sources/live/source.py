"""Frames of an interface as batches, as soon as the kernel gives them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from unpacket._core.memory.batch import Batch, BatchPool, BufferPool
from unpacket.errors import SourceError
from unpacket.sources.live.blocks import BlockReader
from unpacket.sources.live.devices import name_of
from unpacket.sources.live.losses import Losses
from unpacket.sources.live.ring import BLOCK_TIMEOUT_MS, Ring
from unpacket.sources.live.statistics import LiveStatistics
from unpacket.sources.source import Interface, Progress, Source

if TYPE_CHECKING:
    from collections import deque

    from unpacket._core.reassembly.stream import Stream
    from unpacket.sources.live.processes import Processes

# Without packets there is an empty batch after this time, so that time passes.
QUIET_S = 0.1
# A packet of this age was given, if the kernel had it: it gives a block that is not
# full after one time out or two, and takes some time of its own.
GIVEN_AFTER_NS = 3 * BLOCK_TIMEOUT_MS * 1_000_000
# How long the last block is waited for, at the end.
LAST_BLOCK_S = 3 * BLOCK_TIMEOUT_MS / 1000


class LiveSource(Source):
    """Gives what passes an interface, until it is stopped or closed.

    A batch comes within 0.1 s of its packets; without packets there is an empty one,
    and ``now_ns`` says how far the time has come. What is not asked for waits in the
    ring of the kernel, which has a fixed size: what does not fit there is lost, and
    counted.

    Attributes:
        interface: The name, or ``any``.
        now_ns, losses, processes, begun: As of ``sources.source.Live``.
    """

    def __init__(
        self,
        name: str,
        ring: Ring,
        *,
        link_type: int,
        snaplen: int,
        incoming: bool,
        outgoing: bool,
        batch_frames: int,
        first_number: int,
        progress: Progress | None,
    ) -> None:
        super().__init__(name)
        self.now_ns = 0
        self.processes: Processes | None = None
        self.begun: deque[Stream] | None = None
        self.interface = name
        self.losses = Losses()
        self._ring: Ring | None = ring
        self._reader = BlockReader(link_type, incoming, outgoing)
        self._link_type = link_type
        self._snaplen = snaplen
        self._progress = progress
        self._pool = BatchPool(batch_frames)
        self._buffers = BufferPool()
        self._block: bytearray | None = None
        self._block_bytes = 0
        self._number = first_number
        self._names: list[str] = []
        self._noted = self.notes.of(name)
        self._noted.new_section()
        self._received = 0
        self._dropped = 0
        self._given = 0
        self._bytes = 0
        self._asked_ns = time.time_ns()
        self._last_s: float | None = None
        self._note_loss(0)

    @property
    def bytes_read(self) -> int:
        return self._bytes

    @property
    def total_bytes(self) -> None:
        return None

    @property
    def live(self) -> LiveSource:
        return self

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """Those that packets came from so far, in the order of the first ones."""
        reader = self._reader
        while len(self._names) < reader.device_count:
            self._names.append(name_of(reader.devices[len(self._names)]))
        names = self._names or [self.interface]
        return tuple(
            Interface(name, self._link_type, self._snaplen, None) for name in names
        )

    @property
    def ring_bytes(self) -> int:
        """How much can wait in the kernel."""
        return 0 if self._ring is None else self._ring.ring_bytes

    @property
    def statistics(self) -> LiveStatistics:
        """What was counted so far."""
        self._ask()
        return LiveStatistics(
            self._received,
            self._dropped,
            self._given,
            self._reader.skipped,
            self._bytes,
        )

    def fileno(self) -> int:
        """Return a descriptor that is readable when there are packets."""
        if self._ring is None:
            raise SourceError(self.path, "it is closed")
        return self._ring.fileno()

    def __next__(self) -> Batch:
        """Return the next packets, or none after 0.1 s without.

        Raises:
            SourceError: The interface is gone, after all that came before.
        """
        while self._ring is not None:
            batch = self._rest()
            if batch is None and self._take_block(self._ring):
                continue
            if batch is None:
                if self._last_s is None:
                    before_ns = time.time_ns()
                    if self._ring.wait(QUIET_S):
                        continue
                    self.now_ns = max(self.now_ns, before_ns - GIVEN_AFTER_NS)
                    batch = self._empty()
                elif time.monotonic() < self._last_s:
                    self._ring.wait(0.005)
                    continue
                else:
                    break
            if self.tells:
                self.tell()
            return batch
        self.close()
        raise StopIteration

    def tell(self) -> None:
        if self._progress is not None:
            self._progress(self._bytes, None)

    def stop(self) -> None:
        """Take no more from the interface; what the kernel has already is given."""
        if self._ring is not None and self._last_s is None:
            self._last_s = time.monotonic() + LAST_BLOCK_S
            self._ring.shut()

    def close(self) -> None:
        """Give the ring back to the kernel."""
        if self._ring is not None:
            self._ask()
            self._ring.close()
            self._ring = None
            if self.processes is not None:
                self.processes.close()
        self._block = None

    def _rest(self) -> Batch | None:
        """Return a batch of what is left of the present block, or None."""
        block = self._block
        if block is None:
            return None
        batch = self._pool.take()
        batch.attach(block, self._block_bytes, self._number)
        count = self._reader.fill(batch, memoryview(block))
        if not self._reader.left:
            self._block = None
        if not count:
            return None
        self._number += count
        self._given += count
        self._bytes += sum(batch.captured[:count])
        self.now_ns = max(self.now_ns, batch.time_ns[count - 1])
        return batch

    def _take_block(self, ring: Ring) -> bool:
        """Copy the next block, if there is one."""
        described = ring.block()
        if described is None:
            return False
        length, frames, first = described
        # The batches before it let go of their buffers.
        self._pool.take()
        block = self._buffers.take(0)
        ring.copy_to(block, length)
        ring.give_back()
        self._ask()
        self._reader.begin(first, frames)
        self._block = block
        self._block_bytes = length
        return True

    def _empty(self) -> Batch:
        batch = self._pool.take()
        batch.attach(b"", 0, self._number)
        self._ask()
        return batch

    def _ask(self) -> None:
        """Ask the kernel what it lost since it was asked before."""
        if self._ring is None:
            return
        counted = self._ring.counted()
        now_ns = time.time_ns()
        self._received += counted.received
        self._dropped += counted.dropped
        if counted.dropped:
            self.losses.add(self._asked_ns, now_ns, counted.dropped)
            self._note_loss(self._dropped)
        self._asked_ns = now_ns

    def _note_loss(self, packets: int) -> None:
        self._noted.lost_on(0, self.interface, packets)
