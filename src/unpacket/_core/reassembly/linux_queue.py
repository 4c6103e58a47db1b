"""Which held segments Linux compares as one: its out-of-order queue, without bytes.

Linux keeps what waits in *buffers* (struct sk_buff), each a range of sequence
numbers, FIN included, in a red-black tree by where they begin (tcp_data_queue_ofo in
net/ipv4/tcp_input.c). A program reads, at each offset, the bytes of the first buffer
that covers it. A segment that comes

- is dropped where one buffer on its way down the tree has all of it;
- replaces a buffer that begins where it begins and is shorter;
- is *appended* to a buffer that ends where it begins, if that is on its way or last
  of all, and if the memory behind the buffer's bytes has room for it
  (tcp_try_coalesce): from then on the two are one, older, buffer;
- else is a buffer of its own, and removes those behind it that it covers.

The third makes small segments differ from the table of policies, and the way down
makes the shape of the tree count, so it is the kernel's own (lib/rbtree.c).

How much room there is depends on who filled the buffer. ``tail_room`` is what Linux
6.18 has behind packets from a TUN device or a packet socket; a network card that
receives into pages lets it append nearly always, up to 17 pieces.
"""

# Segments that are dropped have no place.
DROPPED = -1

# Of the memory of a packet: before it, and behind it (struct skb_shared_info).
HEAD_ROOM = 64
TRAILER = 320
LINE = 64
# The least memory for a packet (skb_small_head); more comes in powers of two.
SMALL = 576
PAGE = 4096

# More buffers than this for each piece that is held means that most are hidden.
HIDDEN_FACTOR = 2
HIDDEN_FLOOR = 64


def tail_room(packet_bytes: int) -> int:
    """Return how many bytes fit behind an IP packet in its memory."""
    used = HEAD_ROOM + packet_bytes
    if used >= PAGE:
        return 0
    padded = (used + LINE - 1) // LINE * LINE + TRAILER
    size = SMALL
    if padded > size:
        size = 1024
        while size < padded:
            size *= 2
    return size - TRAILER - used


class Buffer:
    """The offsets ``[start, stop)``, and a place in the tree.

    Attributes:
        fins: How many positions of it are FINs. Linux goes on behind a FIN with what
            it appends, and forgets that the FIN took a position.
        room: How many bytes can be appended.
    """

    __slots__ = ("fins", "left", "parent", "red", "right", "room", "start", "stop")

    left: "Buffer | None"
    right: "Buffer | None"
    parent: "Buffer | None"

    def __init__(self, start: int, stop: int, fins: int, room: int) -> None:
        self.start = start
        self.stop = stop
        self.fins = fins
        self.room = room
        self.left = None
        self.right = None
        self.parent = None
        self.red = True


class LinuxQueue:
    """The buffers of one half.

    Attributes:
        count: How many there are.
        shift: By how much the payload of the last segment that was added lies before
            the place that its sequence number says: it was appended behind FINs.
    """

    __slots__ = ("count", "last", "root", "shift")

    root: Buffer | None
    last: Buffer | None

    def __init__(self) -> None:
        self.root = None
        self.last = None
        self.count = 0
        self.shift = 0

    def __del__(self) -> None:
        """Let go of the buffers, which know each other: nobody looks for cycles."""
        node = self.root
        self.root = None
        self.last = None
        while node is not None:
            below = node.left
            if below is not None:
                node.left = None
            else:
                below = node.right
                node.right = None
            if below is None:
                below = node.parent
                node.parent = None
            node = below

    def add(self, start: int, stop: int, size: int, room: int) -> int:
        """Queue a segment ``[start, stop)`` with ``size`` bytes of payload.

        One position more than those is its FIN.

        Args:
            room: Behind its bytes; see ``tail_room``.

        Returns:
            Where the buffer begins that has it now, or DROPPED. The segment's bytes
            win over those of buffers that do not begin before that.
        """
        last = self.last
        fins = stop - start - size
        self.shift = 0
        if self.root is None or last is None:
            self.insert(Buffer(start, stop, fins, room), None, False)
            return start
        if last.stop == start and size <= last.room:
            return self.append(last, stop, size)
        parent = last
        to_right = True
        if start < last.stop:
            node: Buffer | None = self.root
            while node is not None:
                parent = node
                to_right = start >= node.start
                if not to_right:
                    node = node.left
                    continue
                if start < node.stop:
                    if stop <= node.stop:
                        return DROPPED
                    if start == node.start:
                        node.stop = stop
                        node.fins = fins
                        node.room = room
                        self.uncover(node)
                        return start
                elif node.stop == start and size <= node.room:
                    return self.append(node, stop, size)
                node = node.right
        new = Buffer(start, stop, fins, room)
        self.insert(new, parent, to_right)
        self.uncover(new)
        return start

    def append(self, buffer: Buffer, stop: int, size: int) -> int:
        """Let a buffer go on to ``stop``; return where it begins."""
        self.shift = buffer.fins
        buffer.fins += stop - buffer.stop - size
        buffer.stop = stop
        buffer.room -= size
        return buffer.start

    def advance(self, next_offset: int) -> None:
        """Let go of the buffers that begin at or before the next offset."""
        while self.root is not None:
            node = self.root
            while node.left is not None:
                node = node.left
            if node.start > next_offset:
                break
            self.erase(node)

    def prune(self, pieces: int) -> None:
        """Let go of hidden buffers if there are many for so many pieces held.

        Linux keeps them. They take no part in what is read, but in what is dropped
        or appended; only who makes them by the thousand can see the difference.
        """
        if self.count <= HIDDEN_FACTOR * pieces + HIDDEN_FLOOR:
            return
        node = self.root
        while node is not None and node.left is not None:
            node = node.left
        reach = -1
        while node is not None:
            after = following(node)
            if node.stop <= reach:
                self.erase(node)
            else:
                reach = node.stop
            node = after

    def uncover(self, new: Buffer) -> None:
        """Remove the buffers that follow one and are covered by it."""
        after = following(new)
        while after is not None and after.stop <= new.stop:
            self.erase(after)
            after = following(new)

    def insert(self, node: Buffer, parent: Buffer | None, to_right: bool) -> None:
        """Hang a buffer below another that has nothing on that side."""
        self.count += 1
        node.parent = parent
        if parent is None:
            self.root = node
            self.last = node
        elif to_right:
            parent.right = node
            if parent is self.last:
                self.last = node
        else:
            parent.left = node
        while True:
            parent = node.parent
            if parent is None:
                node.red = False
                return
            if not parent.red:
                return
            # A red node is never the root.
            above: Buffer = parent.parent  # type: ignore[assignment]
            on_left = parent is above.left
            uncle = above.right if on_left else above.left
            if uncle is not None and uncle.red:
                parent.red = False
                uncle.red = False
                above.red = True
                node = above
                continue
            inner = parent.right if on_left else parent.left
            if node is inner:
                self.rotate(parent, on_left)
                parent = node
            parent.red = False
            above.red = True
            self.rotate(above, not on_left)
            return

    def erase(self, node: Buffer) -> None:
        """Take a buffer out."""
        self.count -= 1
        if node is self.last:
            self.last = preceding(node)
        child = node.left
        parent = node.parent
        red = node.red
        if child is None:
            child = node.right
            self.graft(node, child)
        elif node.right is None:
            self.graft(node, child)
        else:
            # The next in order takes its place and colour.
            heir: Buffer = node.right
            while heir.left is not None:
                heir = heir.left
            child = heir.right
            red = heir.red
            parent = heir.parent
            if parent is node:
                parent = heir
            else:
                self.graft(heir, child)
                heir.right = node.right
                heir.right.parent = heir
            self.graft(node, heir)
            # It has two children.
            left: Buffer = node.left  # type: ignore[assignment]
            heir.left = left
            left.parent = heir
            heir.red = node.red
        if not red:
            self.mend(child, parent)

    def mend(self, node: Buffer | None, parent: Buffer | None) -> None:
        """Restore the tree where ``node``, below ``parent``, lacks a black one."""
        while parent is not None and (node is None or not node.red):
            on_left = node is parent.left
            # There is one, or the black heights were not equal before.
            sibling: Buffer = parent.right if on_left else parent.left  # type: ignore[assignment]
            if sibling.red:
                sibling.red = False
                parent.red = True
                self.rotate(parent, on_left)
                sibling = parent.right if on_left else parent.left  # type: ignore[assignment]
            far = sibling.right if on_left else sibling.left
            near = sibling.left if on_left else sibling.right
            if far is None or not far.red:
                if near is None or not near.red:
                    sibling.red = True
                    node = parent
                    parent = node.parent
                    continue
                near.red = False
                sibling.red = True
                self.rotate(sibling, not on_left)
                far = sibling
                sibling = near
            sibling.red = parent.red
            parent.red = False
            far.red = False
            self.rotate(parent, on_left)
            return
        if node is not None:
            node.red = False

    def rotate(self, node: Buffer, to_left: bool) -> None:
        """Let a child of ``node`` rise above it."""
        # The callers know that there is one.
        riser: Buffer = node.right if to_left else node.left  # type: ignore[assignment]
        middle = riser.left if to_left else riser.right
        if to_left:
            node.right = middle
            riser.left = node
        else:
            node.left = middle
            riser.right = node
        if middle is not None:
            middle.parent = node
        self.graft(node, riser)
        node.parent = riser

    def graft(self, old: Buffer, new: Buffer | None) -> None:
        """Let the parent of ``old`` have ``new`` instead."""
        parent = old.parent
        if new is not None:
            new.parent = parent
        if parent is None:
            self.root = new
        elif old is parent.left:
            parent.left = new
        else:
            parent.right = new


def following(node: Buffer) -> Buffer | None:
    """Return the next buffer in order."""
    after = node.right
    if after is not None:
        while after.left is not None:
            after = after.left
        return after
    above = node.parent
    while above is not None and node is above.right:
        node = above
        above = node.parent
    return above


def preceding(node: Buffer) -> Buffer | None:
    """Return the buffer before one in order."""
    before = node.left
    if before is not None:
        while before.right is not None:
            before = before.right
        return before
    above = node.parent
    while above is not None and node is above.left:
        node = above
        above = node.parent
    return above
