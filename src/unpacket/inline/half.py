"""One direction of a stream on its way: what came, what waits, what went on.

Two spaces of offsets, both 0 at the first payload byte (see ``translation``):
``original`` counts what the sender sent, ``out`` what the receiver gets. The
invariants, with ``O`` for original and ``out`` said where it is meant:

- ``acked <= released <= seen``. Below ``released`` the verdict is carried out, up to
  ``seen`` the inspector has seen everything, beyond it lie ``pieces`` with holes.
- ``pending``, in chunks, is ``[released, seen)`` but for the last ``promised`` bytes,
  which are in packets that are admitted and not judged yet; these follow with ``keep``.
- ``store`` is exactly ``[out_acked, out_end)`` of the output, where ``out_end`` belongs
  to ``released``.
- The first bytes that came for an offset stay: whatever comes again is rewritten from
  here, so what the inspector saw is what the receiver can read.
- Everything here is bounded by the engine's ``max_held_bytes``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque

from unpacket._core.sequence import unwrap
from unpacket.inline.packets import Segment
from unpacket.inline.store import Store
from unpacket.inline.translation import Edits, difference
from unpacket.inline.verdicts import ACCEPT, Verdict

# Before a receiver offers a window, and where its scale is not known (RFC 7323).
WIDEST_WINDOW = 1 << 30


class Half:
    """The state of a direction.

    Attributes:
        base: The sequence number of offset 0, of both spaces.
        placed: Whether ``base`` is known.
        midstream: Whether the receiver's acknowledgement said where it is.
        right_edge: How far the receiver ever offered.
        fin: The offset of the FIN, or -1.
        fin_passed, fin_acked: Whether it went on, and was acknowledged.
        fin_waits: Whether it was judged, and waits for what is before it.
        blocked: Whether nothing beyond ``released`` goes on any more.
        scale: What windows that this side offers are shifted by; -1: not known.
        max_window: The largest window that this side offered.
        mss: What this side takes at most; 0: not known.
        segment_bytes: What a router on the way takes at most; 0: not known.
        ts_recent: The timestamp that the receiver remembers (RFC 7323), or -1.
        last: The latest segment that this side sent and that was in order, without
            payload and as its receiver got it; what is made up begins from it.
        deadline_ns: When ``at_deadline`` is the verdict on what is pending; 0: never.
    """

    __slots__ = (
        "acked",
        "at_deadline",
        "base",
        "blocked",
        "bodies",
        "deadline_ns",
        "edits",
        "fin",
        "fin_acked",
        "fin_passed",
        "fin_waits",
        "last",
        "max_window",
        "midstream",
        "mss",
        "out_acked",
        "out_end",
        "pending",
        "piece_bytes",
        "placed",
        "promised",
        "raised",
        "released",
        "right_edge",
        "sack_ok",
        "scale",
        "seen",
        "segment_bytes",
        "starts",
        "store",
        "ts_recent",
        "ttl",
    )

    def __init__(self) -> None:
        self.base = 0
        self.placed = False
        self.midstream = False
        self.acked = 0
        self.released = 0
        self.seen = 0
        self.out_acked = 0
        self.out_end = 0
        self.pending: deque[bytes] = deque()
        self.promised = 0
        self.store = Store()
        self.starts: list[int] = []
        self.bodies: list[bytes] = []
        self.piece_bytes = 0
        self.edits = Edits()
        self.right_edge = WIDEST_WINDOW
        self.fin = -1
        self.fin_passed = False
        self.fin_acked = False
        self.fin_waits = False
        self.blocked = False
        self.scale = 0
        self.sack_ok = False
        self.max_window = 0
        self.mss = 0
        self.segment_bytes = 0
        self.ts_recent = -1
        self.ttl = 0
        self.raised = 0
        self.last: Segment | None = None
        self.deadline_ns = 0
        self.at_deadline: Verdict = ACCEPT

    def place(self, base: int, midstream: bool) -> None:
        """Let offset 0 have a sequence number."""
        self.base = base
        self.placed = True
        self.midstream = midstream

    def is_untouched(self) -> bool:
        """Return whether nothing of the direction has been taken yet."""
        return not self.seen and not self.starts and self.fin < 0

    def held_bytes(self) -> int:
        """Return how many bytes are kept."""
        waiting = self.seen - self.released
        stored = self.out_end - self.out_acked
        return stored + max(waiting, 0) + self.piece_bytes

    def is_translated(self) -> bool:
        """Return whether offsets of the two spaces differ, or did."""
        return self.out_end != self.released or len(self.edits) > 0

    def original_at(self, seq: int) -> int:
        """Return the original offset that a sequence number means."""
        return unwrap(seq, self.base, self.seen)

    def out_at(self, seq: int) -> int:
        """Return the offset in the output that an acknowledgement means."""
        return unwrap(seq, self.base, self.out_end)

    def out_sent(self) -> int:
        """Return what the receiver may acknowledge at most; a FIN counts."""
        return self.out_end + self.fin_passed

    def acknowledge(self, out: int) -> None:
        """Let the receiver have everything below an offset of the output."""
        if out > self.out_end:
            out, self.fin_acked = self.out_end, True
        if out <= self.out_acked:
            return
        self.store.forget(out)
        self.out_acked = out
        if not self.is_translated():
            self.acked = min(out, self.released)
            return
        self.acked = min(self.edits.original(out), self.released)
        self.edits.forget(out)

    def original_acked(self, out: int) -> int:
        """Return what the sender is to be told of an acknowledgement; a FIN counts."""
        if out > self.out_end:
            return self.released + 1
        return self.edits.original(out)

    def promise(self, count: int) -> None:
        """Count bytes that are next in order, and follow with ``keep``."""
        self.seen += count
        self.promised += count

    def keep(self, payload: bytes) -> None:
        """Take the first bytes that were promised."""
        self.promised -= len(payload)
        self.pending.append(payload)

    def pass_on(self, payload: bytes) -> None:
        """Let the first bytes that were promised go on, where nothing else waits."""
        length = len(payload)
        self.promised -= length
        self.released += length
        self.out_end += length
        self.store.append(payload)

    def skip(self, offset: int) -> None:
        """Go on at an offset that the receiver has, where nothing is replaced.

        What waited below it is forgotten, and so are pieces that it cuts.
        """
        self.pending.clear()
        self.promised = 0
        self.deadline_ns = 0
        while self.starts and self.starts[0] <= offset:
            del self.starts[0]
            self.piece_bytes -= len(self.bodies.pop(0))
        self.acked = self.released = self.seen = offset
        self.out_acked = self.out_end = offset
        self.store.restart(offset)

    def take(self, start: int, payload: bytes) -> None:
        """Take bytes; what came before for the same offsets wins."""
        skip = self.seen - start
        if skip > 0:
            payload = payload[skip:]
            start = self.seen
        if not payload:
            return
        if not self.starts and start == self.seen:
            self.pending.append(payload)
            self.seen += len(payload)
            return
        self._fill(start, payload)
        while self.starts and self.starts[0] == self.seen:
            del self.starts[0]
            body = self.bodies.pop(0)
            self.piece_bytes -= len(body)
            self.pending.append(body)
            self.seen += len(body)

    def _fill(self, start: int, payload: bytes) -> None:
        """Put among the pieces what of these bytes is new."""
        stop = start + len(payload)
        index = bisect_right(self.starts, start)
        at = start
        if index:
            at = max(at, self.starts[index - 1] + len(self.bodies[index - 1]))
        while at < stop:
            until = stop
            if index < len(self.starts):
                until = min(stop, self.starts[index])
            if at < until:
                body = payload[at - start : until - start]
                self.starts.insert(index, at)
                self.bodies.insert(index, body)
                self.piece_bytes += len(body)
                index += 1
            if index == len(self.starts):
                return
            at = self.starts[index] + len(self.bodies[index])
            index += 1

    def held_ranges(self) -> list[tuple[int, int]]:
        """Return the runs beyond ``seen``, in order of offset."""
        ranges: list[tuple[int, int]] = []
        first = stop = 0
        for start, body in zip(self.starts, self.bodies, strict=True):
            if start != stop:
                if stop:
                    ranges.append((first, stop))
                first = start
            stop = start + len(body)
        if stop:
            ranges.append((first, stop))
        return ranges

    def waiting(self, start: int, stop: int) -> bytes:
        """Return pending bytes, by their offsets."""
        at = self.released
        parts = []
        for chunk in self.pending:
            if at >= stop:
                break
            if at + len(chunk) > start:
                parts.append(chunk[max(start - at, 0) : stop - at])
            at += len(chunk)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def release(self, count: int, instead: bytes | None = None) -> None:
        """Let the first ``count`` pending bytes go on, or others in their place."""
        old = self.waiting(self.released, self.released + count)
        new = old if instead is None else instead
        if len(new) != len(old):
            start, end = difference(old, new)
            self.edits.append(
                self.released + start,
                len(old) - start - end,
                self.out_end + start,
                len(new) - start - end,
            )
        left = count
        while left:
            chunk = self.pending.popleft()
            if len(chunk) > left:
                self.pending.appendleft(chunk[left:])
            left -= min(left, len(chunk))
        self.store.append(new)
        self.released += count
        self.out_end += len(new)

    def block(self) -> None:
        """Let nothing go on beyond ``released``."""
        self.blocked = True
        self.pending.clear()
        self.promised = 0
        self.starts.clear()
        self.bodies.clear()
        self.piece_bytes = 0
        self.deadline_ns = 0
        self.fin_waits = False

    def output(self, start: int, stop: int) -> bytes:
        """Return bytes of the output, from ``out_acked`` to ``out_end``."""
        return self.store.read(start, stop)

    def original(self, start: int, payload: bytes) -> bytes:
        """Return what is to go on for bytes that came where nothing is replaced.

        ``start`` is ``acked`` at least.
        """
        stop = start + len(payload)
        parts = []
        at = start
        if at < self.released:
            parts.append(self.output(at, min(stop, self.released)))
        at = max(at, self.released)
        if at < min(stop, self.seen):
            parts.append(self.waiting(at, min(stop, self.seen)))
        at = max(at, self.seen)
        if at < stop:
            index = max(0, bisect_right(self.starts, at) - 1)
            while at < stop:
                body = self.bodies[index][at - self.starts[index] :][: stop - at]
                parts.append(body)
                at += len(body)
                index += 1
        return b"".join(parts)
