# cython: nonecheck=False, initializedcheck=False
"""Frames to TCP segments: the loop over the layers, and the count of the rest."""

from array import array
from collections.abc import Mapping

from unpacket._core.decode.channels import RULES, Channels
from unpacket._core.decode.duplicates import Duplicates
from unpacket._core.decode.ethernet_ipv4 import plain
from unpacket._core.decode.fragments import Defragmenter
from unpacket._core.decode.ip import ip_layer, transport
from unpacket._core.decode.layers import (
    KEYED_BY_NOTHING,
    KEYED_BY_TUNNEL,
    KEYED_BY_VLAN,
)
from unpacket._core.decode.link import link_layer
from unpacket._core.decode.lookalikes import Lookalikes
from unpacket._core.decode.packet import Packet
from unpacket._core.decode.reasons import (
    ENCAPSULATED,
    FILTERED,
    FRAGMENT,
    IP_HEADER,
    NAMES,
    NONE,
    UDP,
)
from unpacket._core.decode.segments import Segments
from unpacket._core.decode.tcp import TcpLayer
from unpacket._core.decode.tunnels.dispatch import unwrap
from unpacket._core.memory.batch import CHECKSUM_NOT_READY, Batch
from unpacket._core.native import released as native

# What ``Policy.context`` names, as ``Packet.keyed_by``.
CONTEXTS = {
    "none": KEYED_BY_NOTHING,
    "tunnel": KEYED_BY_TUNNEL,
    "vlan": KEYED_BY_VLAN,
}
ETHERNET = 1
# Contexts that are told apart for certain. Beyond them it is by a hash: only somebody
# who makes them up sends so many.
MAX_CONTEXTS = 1 << 16


class Decoder:
    """Turns batches of frames into columns of segments.

    Each frame gives one segment or adds one to one of ``counters``. The frame that
    completes a datagram gives the segment of all its fragments.
    """

    __slots__ = (
        "_channels",
        "_clock_ns",
        "_contexts",
        "_counters",
        "_defragmenter",
        "_duplicates",
        "_lookalikes",
        "_packet",
        "_reason",
        "_tcp",
    )

    _channels: Channels | None
    _contexts: dict[int, int]
    _duplicates: Duplicates | None
    _lookalikes: Lookalikes | None

    def __init__(
        self,
        hash_keys: list[int],
        fragment_timeout_ns: int = 30_000_000_000,
        max_fragment_bytes: int = 16 << 20,
        max_fragmented_datagrams: int = 4096,
        fragment_overlap: str = "first",
        verify_checksums: bool = True,
        context: str = "tunnel",
        duplicate_window_ns: int = 0,
        channel: str = "any",
        udp_ports: Mapping[int, int] | None = None,
    ) -> None:
        """Take the keys of the hash (at least 21 random ``[0, 2**44)``) and bounds.

        ``udp_ports`` has for ports of one's own the usual one of what they carry.
        Without ``duplicate_window_ns`` no segment is told to be a copy of another.

        Raises:
            ValueError: Too few keys, a number out of range, or no such overlap rule,
                context or channel.
        """
        if context not in CONTEXTS:
            raise ValueError(f"no context {context!r}")
        self._counters = array("q", bytes(8 * len(NAMES)))
        self._clock_ns = 0
        self._packet = Packet(verify_checksums, CONTEXTS[context])
        if udp_ports:
            self._packet.name_ports(udp_ports)
        self._contexts = {}
        self._lookalikes = None
        self._duplicates = None
        if duplicate_window_ns > 0:
            self._duplicates = Duplicates(duplicate_window_ns)
        if channel not in RULES:
            raise ValueError(f"no channel {channel!r}")
        self._channels = None
        if channel != RULES[0]:
            self._channels = Channels(channel)
        self._reason = NONE
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
    def lookalikes(self) -> dict[tuple[int, int], int]:
        """Frames of UDP that look like a tunnel that nobody looks for at their port, by
        that and the usual port of what they look like, where ``look_alike`` was asked.
        """
        return {} if self._lookalikes is None else dict(self._lookalikes.counts)

    def look_alike(self) -> None:
        """Look from now on for tunnels at ports where none is known."""
        self._lookalikes = Lookalikes()

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
            self._unusual(batch, segments, i)
            i = native.run(self, batch, segments, i + 1)
        self._packet.attach(b"", -1)
        if self._channels is not None:
            native.tell_channels(self._channels, batch, segments)
        if self._duplicates is not None:
            if self._channels is not None:
                self._channels.salt(segments)
            native.mark(self._duplicates, batch, segments)
            if self._channels is not None:
                self._channels.salt(segments)
        self._defragmenter.advance(self._clock_ns)
        return i

    def _run(self, batch: Batch, segments: Segments, i: int) -> int:
        """Decode up to the next unusual frame, the last one, or the last free row."""
        while i < batch.count and segments.count < segments.capacity:
            if batch.filtered and batch.passed[i] == 0:
                self._counters[FILTERED] += 1
                i += 1
                continue
            if batch.time_ns[i] > self._clock_ns:
                self._clock_ns = batch.time_ns[i]
            reason = NONE
            self._packet.unsummed = (
                batch.has_flags and batch.flags[i] & CHECKSUM_NOT_READY != 0
            )
            if batch.link_type[i] != ETHERNET or not plain(
                self._packet, batch.start[i], batch.captured[i], batch.original[i]
            ):
                self._packet.place(batch.start[i], batch.captured[i], batch.original[i])
                reason = link_layer(self._packet, batch.link_type[i])
                if reason == NONE:
                    reason = ip_layer(self._packet)
            if reason == NONE and self._packet.layer_count == 0:
                reason = self._tcp.read(self._packet, segments, i, batch.time_ns[i])
            elif (
                reason == NONE
                or reason == FRAGMENT
                or reason == ENCAPSULATED
                or (reason == UDP and self._lookalikes is not None)
            ):
                self._reason = reason
                return i
            if reason != NONE:
                self._counters[reason] += 1
            i += 1
        return i

    def _unusual(self, batch: Batch, segments: Segments, i: int) -> None:
        """Decode the rest of frame ``i``: what its tunnels carry, the datagram that
        a fragment completes, the segment that has layers around it."""
        source = len(segments.side)
        reason = self._reason
        number = batch.first_number + i
        if reason == UDP and self._lookalikes is not None:
            self._lookalikes.look(self._packet)
            self._counters[UDP] += 1
            return
        while True:
            if reason == ENCAPSULATED:
                reason = unwrap(self._packet)
            if self._packet.layer_count > 0 and self._packet.key_count > 0:
                self._packet.context = self._context()
            if reason != FRAGMENT:
                break
            if self._channels is not None:
                self._packet.channel = self._channels.of(
                    batch, i, self._packet.layers, 0, self._packet.layer_count
                )
            reason = self._defragmenter.add(
                self._packet, self._clock_ns, source, number
            )
            if reason != NONE:
                break
            reason = transport(self._packet)
            if reason == FRAGMENT:
                # A fragment of a fragment: no sender makes one.
                reason = IP_HEADER
            if reason != ENCAPSULATED:
                break
        if reason == NONE:
            reason = self._tcp.read(self._packet, segments, i, batch.time_ns[i])
            if reason == NONE and self._packet.layer_count > 0:
                segments.add_layers(self._packet, segments.count - 1)
        if self._packet.source >= 0:
            if reason == NONE:
                segments.side.append(bytes(self._packet.buffer))
                segments.side_frames.append(self._defragmenter.numbers)
            self._packet.attach(batch.buffer, -1)
        self._packet.context = 0
        if reason != NONE:
            self._counters[reason] += 1

    def _context(self) -> int:
        """Return the number that stands for the keys of the packet."""
        keys = 1
        for index in range(self._packet.key_count):
            keys = keys << 64 | self._packet.keys[index]
        context = self._contexts.get(keys)
        if context is None:
            if len(self._contexts) == MAX_CONTEXTS:
                return 1 << 31 | hash(str(keys)) & 0x7FFFFFFF
            context = len(self._contexts) + 1
            self._contexts[keys] = context
        return context

    def advance(self, now_ns: int) -> None:
        """Let time pass without frames."""
        self._clock_ns = max(self._clock_ns, now_ns)
        self._defragmenter.advance(self._clock_ns)

    def finish(self) -> None:
        """No frame follows: forget the fragments that wait."""
        self._defragmenter.finish()
