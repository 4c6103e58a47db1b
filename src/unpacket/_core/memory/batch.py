"""Many captured frames in one buffer, with columns that say where each lies.

Frame ``i`` is ``data[start[i] : start[i] + captured[i]]``. It was ``original[i]``
bytes long on the wire, was seen ``time_ns[i]`` nanoseconds after the epoch, and
begins with the header that the LINKTYPE_ value ``link_type[i]`` names. It is frame
number ``first_number + i`` of its input, where frames count from 1. Where
``filtered`` is true, filters have taken out the frames with ``passed[i] == 0``: they
are counted, and nobody looks into them. Where ``has_interfaces`` is true, the frame
was seen on interface ``interface[i]`` of the input, else all were on interface 0.
Where ``has_flags`` is true, ``flags[i]`` is what pcapng's ``epb_flags`` would be of the
frame: which way it went, and how its checksum stands; else that is unknown.

For every ``i`` in ``range(count)`` the following holds, and whoever writes the
columns keeps it so: ``0 <= start[i]``,
``start[i] + captured[i] <= used_bytes <= len(buffer)`` and
``captured[i] <= original[i]``.
"""

import sys
from array import array
from collections.abc import Iterable

from unpacket._core.native import room as native

CAPACITY = 2048
BUFFER_BYTES = 1 << 20
# Of 1, 4 and 16 buffers of 1 MiB, reading 755 MB took 0.11, 0.12 and 0.19 s: the
# processor's cache holds few. Two are the least, since a consumer still has one
# batch when it asks for the next.
POOLED_BUFFERS = 12
MAX_LENGTH = (1 << 32) - 1
MAX_LINK_TYPE = (1 << 16) - 1
MAX_INTERFACE = (1 << 31) - 1

# Of a frame's flags (draft-ietf-opsawg-pcapng, epb_flags): which way it went, whom it
# was for, and that its checksum was left to a network card.
INBOUND = 1
OUTBOUND = 2
UNICAST = 1 << 2
MULTICAST = 2 << 2
BROADCAST = 3 << 2
PROMISCUOUS = 4 << 2
CHECKSUM_NOT_READY = 1 << 9
CHECKSUM_VALID = 1 << 10
SEGMENTATION_OFFLOADED = 1 << 11

NO_WORDS = array("H")


class Batch:
    """Up to ``capacity`` frames in one buffer.

    Whoever filled a batch fills it again only once nobody else refers to it, and
    the same is true of its buffer (see BufferPool). So a batch may be kept.
    """

    __slots__ = (
        "buffer",
        "capacity",
        "captured",
        "count",
        "data",
        "filtered",
        "first_number",
        "flags",
        "has_flags",
        "has_interfaces",
        "interface",
        "link_type",
        "original",
        "passed",
        "start",
        "time_ns",
        "used_bytes",
        "words",
    )

    buffer: bytes | bytearray
    data: bytes | bytearray
    words: "memoryview[int] | array[int]"

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.start = array("q", bytes(8 * capacity))
        self.time_ns = array("q", bytes(8 * capacity))
        self.captured = array("I", bytes(4 * capacity))
        self.original = array("I", bytes(4 * capacity))
        self.link_type = array("H", bytes(2 * capacity))
        self.interface = array("I", bytes(4 * capacity))
        self.flags = array("I", bytes(4 * capacity))
        self.passed = bytearray(capacity)
        self.attach(b"", 0, 1)

    def attach(
        self, buffer: bytes | bytearray, used_bytes: int, first_number: int
    ) -> None:
        """Hold no frames yet, of ``buffer``.

        A batch that lets go of its buffer attaches an empty one.
        """
        if not 0 <= used_bytes <= len(buffer):
            raise ValueError(f"{used_bytes} bytes used of {len(buffer)}")
        self.count = 0
        self.filtered = False
        self.has_interfaces = False
        self.has_flags = False
        self.first_number = first_number
        self.used_bytes = used_bytes
        self.buffer = buffer
        self.data = buffer
        pairs = len(buffer) & ~1
        # A view without bytes cannot be cast.
        self.words = memoryview(buffer)[:pairs].cast("H") if pairs else NO_WORDS

    def add(
        self,
        start: int,
        captured: int,
        original: int,
        time_ns: int,
        link_type: int,
        interface: int = 0,
    ) -> None:
        """Add the frame that lies at ``start`` in the buffer.

        Raises:
            ValueError: The batch is full, or the frame is not within the used
                bytes, or has more bytes than it had on the wire, or a number does
                not fit.
        """
        if self.count >= self.capacity:
            raise ValueError(f"a batch holds at most {self.capacity} frames")
        if start < 0 or captured < 0 or captured > self.used_bytes - start:
            raise ValueError(f"no {captured} bytes at {start}")
        if not captured <= original <= MAX_LENGTH:
            raise ValueError(f"{captured} bytes captured of {original}")
        if not 0 <= link_type <= MAX_LINK_TYPE:
            raise ValueError(f"no link type {link_type}")
        if not -(1 << 63) <= time_ns < 1 << 63:
            raise ValueError(f"{time_ns} ns are not within 292 years of 1970")
        if not 0 <= interface <= MAX_INTERFACE:
            raise ValueError(f"no interface {interface}")
        if interface:
            self.begin_interfaces()
        if self.has_interfaces:
            self.interface[self.count] = interface
        if self.has_flags:
            self.flags[self.count] = 0
        self.start[self.count] = start
        self.captured[self.count] = captured
        self.original[self.count] = original
        self.time_ns[self.count] = time_ns
        self.link_type[self.count] = link_type
        self.count += 1

    def begin_interfaces(self) -> int:
        """Let all frames so far be of interface 0, and those to come of any."""
        if not self.has_interfaces:
            for i in range(self.count):
                self.interface[i] = 0
            self.has_interfaces = True
        return 0

    def begin_flags(self) -> int:
        """Let nothing be known of the frames so far, and something of those to come."""
        if not self.has_flags:
            for i in range(self.count):
                self.flags[i] = 0
            self.has_flags = True
        return 0

    def begin_filter(self) -> None:
        """Let all frames pass that no filter has taken out so far."""
        if not self.filtered:
            for i in range(self.count):
                self.passed[i] = 1
            self.filtered = True

    @staticmethod
    def from_frames(
        frames: Iterable[
            tuple[int, bytes, int]
            | tuple[int, bytes, int, int]
            | tuple[int, bytes, int, int, int]
        ],
        first_number: int = 1,
    ) -> "Batch":
        """Return a batch of tuples.

        Each is ``(time_ns, bytes, link_type[, original[, interface]])``.

        Raises:
            ValueError: There are more than CAPACITY, or a number does not fit.
        """
        rows = list(frames)
        if len(rows) > CAPACITY:
            raise ValueError(f"a batch holds at most {CAPACITY} frames")
        buffer = b"".join([row[1] for row in rows])
        # Room for all that there may be takes 20 times as long to make as for one.
        batch = Batch(len(rows) or 1)
        batch.attach(buffer, len(buffer), first_number)
        start = 0
        for row in rows:
            captured = len(row[1])
            original = row[3] if len(row) > 3 else captured
            interface = row[4] if len(row) > 4 else 0
            batch.add(start, captured, original, row[0], row[2], interface)
            start += captured
        return batch

    def __len__(self) -> int:
        return self.count

    def frame(self, index: int) -> tuple[int, int, int, int, bytes]:
        """Return ``(number, time_ns, link_type, original, bytes)`` of one frame."""
        if not 0 <= index < self.count:
            raise IndexError(f"frame {index} of {self.count}")
        start = self.start[index]
        captured = memoryview(self.buffer)[start : start + self.captured[index]]
        return (
            self.first_number + index,
            self.time_ns[index],
            self.link_type[index],
            self.original[index],
            bytes(captured),
        )


class BufferPool:
    """Hands out buffers, and never one that anybody still refers to.

    The consumer of a batch may keep its buffer for as long as it likes, so the only
    proof that a buffer is free is that the pool holds the one reference to it.
    """

    __slots__ = ("_alone", "_buffers", "_size")

    def __init__(self, size: int = BUFFER_BYTES) -> None:
        self._size = size
        self._buffers = [native.room(size)]
        # How many references are counted differs between versions of Python, and
        # between the compiled and the uncompiled core.
        self._alone = sys.getrefcount(self._buffers[0])

    def take(self, minimum: int = 0) -> bytearray:
        """Return a buffer of the pool's size, or of ``minimum`` if that is more.

        What is in it is not of this capture, or was used.
        """
        if minimum > self._size:
            return native.room(minimum)
        for index in range(len(self._buffers)):
            if sys.getrefcount(self._buffers[index]) <= self._alone:
                return self._buffers[index]
        if len(self._buffers) == POOLED_BUFFERS:
            del self._buffers[0]
        self._buffers.append(native.room(self._size))
        return self._buffers[len(self._buffers) - 1]


class BatchPool:
    """Hands out batches as BufferPool does buffers: none that is in use."""

    __slots__ = ("_alone", "_batches", "_capacity")

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._batches = [Batch(capacity)]
        self._alone = sys.getrefcount(self._batches[0])

    def take(self) -> Batch:
        """Return a batch without frames and without a buffer.

        The other batches that are free let go of their buffers too, so that a
        BufferPool can hand those out again.
        """
        free = -1
        for index in range(len(self._batches)):
            if sys.getrefcount(self._batches[index]) <= self._alone:
                self._batches[index].attach(b"", 0, 1)
                free = index
        if free < 0:
            if len(self._batches) == POOLED_BUFFERS:
                del self._batches[0]
            self._batches.append(Batch(self._capacity))
            free = len(self._batches) - 1
        return self._batches[free]
