"""The bytes of one message, as they come: in memory, in a file, or on to somebody.

Offsets count from the first byte of the body. A hole takes no memory, whatever its
length.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from unpacket.messages.native import garbage
from unpacket.records.spool import BlockFile, Store

# What a piece takes beside its bytes: the object's header and its place in the list.
PIECE_BYTES = 41

# Pieces shorter than this are joined, so that bytes that come one by one do not take
# forty times their size.
SHORT_BYTES = 512

SPILL_BYTES = 16 << 20
MEMORY_BYTES = 256 << 20


class Hole(NamedTuple):
    """Bytes of a message that were not captured, or never came.

    Attributes:
        offset: Where it begins, from the first byte of the body.
        reason: As of ``Gap``; ``not_sent`` where the half ended before.
    """

    offset: int
    length: int
    reason: str


class Budget:
    """How much the bodies of messages that are not given out yet may take in memory.

    Attributes:
        used_bytes: What they take now.
        memory_bytes: How much that may be; what is more goes to a temporary file.
        spill_bytes: The same for one of them.
        keep: Whether bodies are kept at all.
    """

    __slots__ = ("file", "keep", "memory_bytes", "sink", "spill_bytes", "used_bytes")

    def __init__(
        self,
        memory_bytes: int = MEMORY_BYTES,
        spill_bytes: int = SPILL_BYTES,
        keep: bool = True,
        sink: Any = None,
    ) -> None:
        self.used_bytes = 0
        self.memory_bytes = memory_bytes
        self.spill_bytes = spill_bytes
        self.keep = keep
        self.sink = sink
        self.file: BlockFile | None = None

    def store(self) -> Store:
        """Return a new store of the file that all bodies share."""
        if self.file is None:
            self.file = BlockFile()
        return Store(self.file)


class Body:
    """What a message carries.

    Attributes:
        length: In bytes, holes included.
        observed: The same without the holes.
        holes: A ``Hole`` for each range that is missing, by offset.
    """

    __slots__ = (
        "budget",
        "holes",
        "length",
        "memory_bytes",
        "observed",
        "pieces",
        "sink",
        "store",
        "tail",
    )

    budget: Budget | None
    length: int
    observed: int
    memory_bytes: int
    sink: Any
    holes: list[Hole] | None
    pieces: list[bytes] | None
    tail: bytearray | None
    store: Store | None

    def append(self, data: bytes) -> None:
        """Add the next bytes."""
        size = len(data)
        self.length += size
        self.observed += size
        # Until `release` there is one.
        budget: Budget = self.budget  # type: ignore[assignment]
        if self.sink is not None:
            self.sink.write(data)
            return
        if not budget.keep:
            return
        if self.store is not None:
            self.store.append(data)
            if self.store.memory_bytes >= budget.spill_bytes >> 2:
                self.spill()
            return
        if size < SHORT_BYTES:
            if self.tail is None:
                self.tail = bytearray()
            self.tail += data
            if len(self.tail) >= SHORT_BYTES:
                self.settle()
        else:
            if self.tail is not None:
                self.settle()
            if self.pieces is None:
                self.pieces = [data]
                garbage.leave_alone(self.pieces)
            else:
                self.pieces.append(data)
        size += PIECE_BYTES
        self.memory_bytes += size
        budget.used_bytes += size
        if (
            self.memory_bytes > budget.spill_bytes
            or budget.used_bytes > budget.memory_bytes
        ):
            self.spill()

    def settle(self) -> None:
        """Make one piece of the short ones that came last."""
        if self.tail is not None:
            if self.tail:
                if self.pieces is None:
                    self.pieces = []
                self.pieces.append(bytes(self.tail))
            self.tail = None

    def hole(self, length: int, reason: str) -> None:
        """Leave out the next ``length`` bytes."""
        if length <= 0:
            return
        if self.sink is not None:
            self.sink.hole(self.length, length, reason)
        if self.holes is None:
            self.holes = []
        last = self.holes[len(self.holes) - 1] if self.holes else None
        if last is not None and last.offset + last.length == self.length:
            length_before = last.length
            self.holes[len(self.holes) - 1] = Hole(
                last.offset, length_before + length, last.reason
            )
        else:
            self.holes.append(Hole(self.length, length, reason))
        self.length += length

    def spill(self) -> None:
        """Move what is in memory to the file."""
        budget: Budget = self.budget  # type: ignore[assignment]
        self.settle()
        if self.store is None:
            self.store = budget.store()
        for piece in self.pieces or ():
            self.store.append(piece)
        self.pieces = None
        self.store.spill()
        budget.used_bytes -= self.memory_bytes
        self.memory_bytes = self.store.memory_bytes
        budget.used_bytes += self.memory_bytes

    def release(self) -> None:
        """Whoever has the message answers for its memory from now on."""
        if self.budget is not None:
            self.budget.used_bytes -= self.memory_bytes
            self.budget = None
            self.settle()
            if self.sink is not None:
                self.sink.close()
                self.sink = None

    def first_hole(self) -> int:
        """Return where the first hole begins; the length if there is none."""
        return self.holes[0].offset if self.holes else self.length

    def __bytes__(self) -> bytes:
        return self.joined()

    def joined(self) -> bytes:
        """Return what was observed, the holes left out."""
        self.settle()
        if self.store is not None:
            return self.store.read(0, len(self.store))
        if self.pieces is None:
            return b""
        if len(self.pieces) == 1:
            return self.pieces[0]
        whole = b"".join(self.pieces)
        self.pieces = [whole]
        return whole


def new_body(budget: Budget, sink: Any) -> Body:
    """Return an empty body."""
    body = Body.__new__(Body)
    garbage.leave_alone(body)
    body.budget = budget
    body.holes = None
    body.length = 0
    body.observed = 0
    body.memory_bytes = 0
    body.pieces = None
    body.tail = None
    body.store = None
    body.sink = sink
    return body


def chunks(body: Body, chunk_bytes: int = 1 << 16) -> Iterator[bytes]:
    """Give what was observed, a chunk after the other."""
    body.settle()
    if body.store is None:
        yield from body.pieces or ()
        return
    size = len(body.store)
    for at in range(0, size, chunk_bytes):
        yield body.store.read(at, min(size, at + chunk_bytes))
