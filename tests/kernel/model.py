"""The obviously correct model of what Linux does with the segments of one half.

Positions count from the first payload byte and never wrap. A FIN takes one position
behind the payload of its segment. The functions of the kernel that each step stands
for are named (net/ipv4/tcp_input.c, tcp.c); nothing else of TCP is here.

``Buffer`` says how much of a neighbour's bytes the kernel can append to a held
buffer, which is what makes the overlap of small segments differ from the table of
policies: two neighbours that became one buffer are compared as one.
"""

import enum
from typing import NamedTuple

from tests.kernel.tree import Node, Tree


class Buffer(enum.Enum):
    """Where a packet's bytes lie, which depends on what received it."""

    LINEAR = "linear"
    """One piece of memory, as behind a TUN device or an AF_PACKET socket."""
    PAGES = "pages"
    """A piece of a page, as behind a TAP device and most network cards."""


class Segment(NamedTuple):
    """A data segment that has passed all checks.

    Attributes:
        packet_bytes: Length of the IP packet that carried it.
    """

    start: int
    payload: bytes
    fin: bool
    packet_bytes: int


# Room before the packet, and what lies behind it (struct skb_shared_info).
HEAD_ROOM, TRAILER = 64, 320
# The sizes of memory that the kernel hands out; the first is skb_small_head's, which
# depends on the kernel's configuration.
SIZES = (576, 1024, 2048, 4096, 8192)
PAGE = 4096
ETHERNET = 14
# Kept free for programs that look at packets first (XDP_PACKET_HEADROOM).
XDP = 256
# How many pieces of pages a buffer can have (MAX_SKB_FRAGS).
MOST_PIECES = 17


class Held(Node):
    """A buffer of the queue (struct sk_buff): ``[start, stop)``, FIN included.

    Attributes:
        room: How many bytes can still be written behind its own.
        pieces: How many pieces of pages it has besides its own memory.
        movable: Whether its bytes can become a piece of another buffer.
    """

    def __init__(self, segment: Segment, buffer: Buffer) -> None:
        super().__init__()
        self.start = segment.start
        self.payload = segment.payload
        self.fin = segment.fin
        self.stop = segment.start + len(segment.payload) + segment.fin
        self.pieces = 0
        size = segment.packet_bytes
        if buffer is Buffer.PAGES:
            size += ETHERNET
        if buffer is Buffer.PAGES and padded(size + XDP) + TRAILER <= PAGE:
            # tun_build_skb
            self.room = padded(size) - HEAD_ROOM - size
            self.movable = True
        else:
            # tun_alloc_skb; what is no less than a page goes into several.
            memory = next((m for m in SIZES if padded(size) + TRAILER <= m), 0)
            full = size + HEAD_ROOM >= PAGE
            self.room = 0 if full else memory - TRAILER - HEAD_ROOM - size
            self.movable = False

    def append(self, other: "Held") -> bool:
        """Take over the bytes of the buffer behind; return whether there was room.

        tcp_try_coalesce and skb_try_coalesce.
        """
        if other.start != self.stop:
            return False
        size = len(other.payload)
        if size <= self.room:
            self.room -= size
        elif not other.movable or self.pieces + other.pieces >= MOST_PIECES:
            return False
        else:
            self.room = 0
            self.pieces += other.pieces + 1
        self.payload += other.payload
        self.stop = other.stop
        self.fin = self.fin or other.fin
        return True


def padded(packet_bytes: int) -> int:
    """Return what a packet and the room before it take, in whole cache lines."""
    return -(-(HEAD_ROOM + packet_bytes) // 64) * 64


class Receiver:
    """The receiving end of one half.

    Attributes:
        next: The position that is expected next (rcv_nxt).
        queue: What is in order, as the program will walk it (sk_receive_queue).
        finished: A FIN was taken.
    """

    def __init__(self, buffer: Buffer = Buffer.LINEAR) -> None:
        self.next = 0
        self.queue: list[Held] = []
        self.finished = False
        self._buffer = buffer
        self._tree = Tree()
        self._last: Held | None = None

    def receive(self, segment: Segment) -> None:
        """Take a segment (tcp_data_queue)."""
        new = Held(segment, self._buffer)
        if self.finished or new.start == new.stop or new.stop <= self.next:
            return
        if new.start > self.next:
            self._hold(new)
            return
        self._enqueue(new)
        if not self.finished:
            self._drain()

    def read(self) -> bytes:
        """Return what the program has read when it has read all (tcp_recvmsg)."""
        position = 0
        found = b""
        for held in self.queue:
            new = held.payload[position - held.start :]
            found += new
            position += len(new)
            if held.fin:
                break
        return found

    def _enqueue(self, held: Held) -> None:
        if not self.queue or not self.queue[-1].append(held):
            self.queue.append(held)
        self.next = held.stop
        self.finished = held.fin

    def _drain(self) -> None:
        """Move what has become contiguous (tcp_ofo_queue)."""
        while (held := self._tree.first()) is not None:
            if held.start > self.next or self.finished:
                break
            self._tree.erase(held)
            if held.stop > self.next:
                self._enqueue(held)

    def _hold(self, new: Held) -> None:
        """Put a segment among those out of order (tcp_data_queue_ofo)."""
        last = self._last
        if self._tree.root is None or last is None:
            self._tree.insert(new, None, right=False)
            self._last = new
            return
        if last.append(new):
            return
        parent: Held | None = None
        right = False
        if new.start >= last.stop:
            parent, right = last, True
        else:
            node = self._tree.root
            while node is not None:
                parent = node
                right = new.start >= node.start
                if not right:
                    node = node.left
                    continue
                if new.start < node.stop:
                    if new.stop <= node.stop:
                        return
                    if new.start == node.start:
                        self._tree.replace(node, new)
                        self._cover(new)
                        return
                elif node.append(new):
                    return
                node = node.right
        self._tree.insert(new, parent, right=right)
        self._cover(new)

    def _cover(self, new: Held) -> None:
        """Remove what follows a buffer and is covered by it."""
        while (following := self._tree.following(new)) is not None:
            if new.stop <= following.start or new.stop < following.stop:
                return
            self._tree.erase(following)
        self._last = new
