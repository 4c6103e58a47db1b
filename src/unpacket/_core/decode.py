# cython: nonecheck=False, initializedcheck=False
"""Frames to TCP segments: the loop over the layers, and the count of the rest."""

from array import array

from unpacket._core import inline_released as native
from unpacket._core.batch import Batch
from unpacket._core.defrag import Defragmenter
from unpacket._core.ip import ip_layer, transport
from unpacket._core.link import link_layer
from unpacket._core.packet import Packet
from unpacket._core.reasons import FRAGMENT, IP_HEADER, NAMES, NONE
from unpacket._core.segments import Segments
from unpacket._core.tcp import TcpLayer


class Decoder:
    """Turns batches of frames into columns of segments.

    Each frame gives one segment or adds one to one of ``counters``. The frame that
    completes a datagram gives the segment of all its fragments.
    """

    __slots__ = ("_clock_ns", "_counters", "_defragmenter", "_packet", "_tcp")

    def __init__(
        self,
        hash_keys: list[int],
        fragment_timeout_ns: int = 30_000_000_000,
        max_fragment_bytes: int = 16 << 20,
        max_fragmented_datagrams: int = 4096,
        fragment_overlap: str = "first",
        verify_checksums: bool = True,
    ) -> None:
        """Take the keys of the hash (at least 21 random ``[0, 2**44)``) and bounds.

        Raises:
            ValueError: Too few keys, a number out of range, or no such overlap rule.
        """
        self._counters = array("q", bytes(8 * len(NAMES)))
        self._clock_ns = 0
        self._packet = Packet(verify_checksums)
        self._tcp = TcpLayer(hash_keys)
        self._defragmenter = Defragmenter(
            fragment_timeout_ns,
            max_fragment_bytes,
            max_fragmented_datagrams,
            fragment_overlap,
            self._counters,
        )

    @property
    def counters(self) -> dict[str, int]:
        """How many frames gave no segment, for each reason that occurred."""
        return {
            NAMES[reason]: self._counters[reason]
            for reason in range(1, len(NAMES))
            if self._counters[reason]
        }

    @property
    def fragments(self) -> dict[str, int]:
        """How fragments fared: datagrams ``completed``, fragments that were
        ``duplicates``, other ``overlaps``, and ``conflicts`` among those."""
        return {
            "completed": self._defragmenter.completed,
            "duplicates": self._defragmenter.duplicates,
            "overlaps": self._defragmenter.overlaps,
            "conflicts": self._defragmenter.conflicts,
        }

    @property
    def fragment_bytes(self) -> int:
        """The memory that datagrams in fragments take, objects included."""
        return self._defragmenter.held_bytes

    def decode(self, batch: Batch, segments: Segments, start: int) -> int:
        """Fill ``segments`` from frame ``start`` of ``batch`` on.

        Returns the index of the next frame to decode: ``len(batch)``, or less if
        the segments are full.
        """
        # Compiled, nobody else looks: nonecheck and ``nogil`` exclude each other.
        if batch is None:
            raise TypeError("None is no batch")
        if segments is None:
            raise TypeError("None has no columns")
        if start < 0 or start > batch.count:
            raise IndexError(f"frame {start} of {batch.count}")
        if batch.used_bytes >> 32:
            raise ValueError(f"positions in {batch.used_bytes} bytes need 32 bits")
        segments.clear()
        self._packet.attach(batch.buffer, -1)
        i = native.run(self, batch, segments, start)
        while i < batch.count and segments.count < segments.capacity:
            self._fragment(batch, segments, i)
            i = native.run(self, batch, segments, i + 1)
        self._packet.attach(b"", -1)
        self._defragmenter.advance(self._clock_ns)
        return i

    def _run(self, batch: Batch, segments: Segments, i: int) -> int:
        """Decode up to the next fragment, the last frame, or the last free row."""
        while i < batch.count and segments.count < segments.capacity:
            if batch.time_ns[i] > self._clock_ns:
                self._clock_ns = batch.time_ns[i]
            self._packet.place(batch.start[i], batch.captured[i], batch.original[i])
            reason = link_layer(self._packet, batch.link_type[i])
            if reason == NONE:
                reason = ip_layer(self._packet)
            if reason == FRAGMENT:
                return i
            if reason == NONE:
                reason = self._tcp.read(self._packet, segments, i, batch.time_ns[i])
            if reason != NONE:
                self._counters[reason] += 1
            i += 1
        return i

    def _fragment(self, batch: Batch, segments: Segments, i: int) -> None:
        """Collect the fragment that the packet is at, and decode what it completes."""
        source = len(segments.side)
        reason = self._defragmenter.add(self._packet, self._clock_ns, source)
        if reason == NONE:
            reason = transport(self._packet)
            if reason == FRAGMENT:
                # A fragment of a fragment: no sender makes one.
                reason = IP_HEADER
            if reason == NONE:
                reason = self._tcp.read(self._packet, segments, i, batch.time_ns[i])
            if reason == NONE:
                segments.side.append(bytes(self._packet.buffer))
            self._packet.attach(batch.buffer, -1)
        if reason != NONE:
            self._counters[reason] += 1

    def advance(self, now_ns: int) -> None:
        """Let time pass without frames."""
        self._clock_ns = max(self._clock_ns, now_ns)
        self._defragmenter.advance(self._clock_ns)

    def finish(self) -> None:
        """No frame follows: forget the fragments that wait."""
        self._defragmenter.finish()
