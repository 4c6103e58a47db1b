"""One side of a connection: its records, in the order of their numbers.

Offsets are those of the stream, where its records lie; ``plain`` has those of what they
carry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unpacket._core.reassembly.events import Data, Gap
from unpacket.tls.handshake import Messages
from unpacket.tls.names import APPLICATION_DATA, CHANGE_CIPHER_SPEC
from unpacket.tls.plain import Plain
from unpacket.tls.records import HEADER, NOT_DECRYPTED, RECORD, is_record
from unpacket.tls.search import Search

if TYPE_CHECKING:
    from unpacket import Direction
    from unpacket.tls.connection import Connection
    from unpacket.tls.epoch import Epoch

# Of so many records in a row that were lost each is known by itself.
MAX_LOSSES = 4096


class Half:
    """Cuts a side into records, opens them, and gives what they carry.

    Attributes:
        start: The offset of ``pending``'s first byte.
        pending: What came of a record that has not ended.
        plain: What the records carry.
        epoch: The keys of the next record; None as long as records are in the clear.
        changes: The epochs that may come behind it, in their order.
        messages: Puts handshake messages together.
        losses: What each record carried at most that was lost since one was opened.
    """

    __slots__ = (
        "acknowledged",
        "changes",
        "connection",
        "direction",
        "doubts",
        "epoch",
        "exact",
        "frame",
        "losses",
        "messages",
        "pending",
        "plain",
        "reason",
        "search",
        "skip_until",
        "start",
        "time_ns",
        "typical",
        "wanted",
    )

    def __init__(
        self, connection: Connection, direction: Direction, start: int
    ) -> None:
        self.connection = connection
        self.direction = direction
        self.start = start
        self.plain = Plain(start)
        self.pending = bytearray()
        self.epoch: Epoch | None = None
        self.changes: list[Epoch] = []
        self.messages = Messages()
        self.losses: list[int] = []
        self.exact = True
        self.reason = ""
        self.frame = 0
        self.time_ns = 0
        # Of the packets of the record at hand.
        self.acknowledged = True
        self.doubts = 0
        # Where a record ends that has lost bytes; 0 if there is none.
        self.skip_until = 0
        # Before this offset there is nothing to read.
        self.wanted = 0
        self.search: Search | None = None
        # The length of the last record.
        self.typical = 1 << 14

    # What comes from the stream.

    def data(self, event: Data) -> None:
        """Take the next bytes."""
        self.frame = event.frame
        self.time_ns = event.time_ns
        self.acknowledged = event.acknowledged
        self.doubts |= event.doubts
        self.plain.arrive(event)
        self.pending += event.payload
        # Most packets of a record are not its last.
        if self.start + len(self.pending) >= self.wanted:
            self.run()

    def run(self) -> None:
        """Read the records that are there."""
        pending = self.pending
        at = 0
        self.wanted = 0
        while not self.connection.stopped:
            if self.search is not None:
                found = self.search.run(self, at, False)
                at = found[0]
                if not found[1]:
                    break
                continue
            left = len(pending) - at
            if self.skip_until:
                count = min(left, self.skip_until - self.start - at)
                at += count
                if self.start + at < self.skip_until:
                    break
                self.skip_until = 0
                continue
            if left < HEADER:
                if left and not is_record(pending, at):
                    at = self.lose_place(at)
                    continue
                break
            if RECORD.match(pending, at) is None:
                at = self.lose_place(at)
                continue
            stop = at + HEADER + (pending[at + 3] << 8 | pending[at + 4])
            if stop > len(pending):
                self.wanted = self.start + stop
                break
            header = bytes(pending[at : at + HEADER])
            # A view, since a slice would be copied twice.
            with memoryview(pending) as view:
                fragment = bytes(view[at + HEADER : stop])
            self.record(header, fragment, self.start + at)
            self.typical = stop - at
            at = stop
        self.forget(at)

    def forget(self, at: int) -> None:
        """Let go of the first ``at`` bytes that wait."""
        if at:
            del self.pending[:at]
            self.start += at
            self.plain.forget(self.start)

    def lose_place(self, at: int) -> int:
        """There is no record where one has to be: look for the next one."""
        if self.connection.misread():
            self.begin_search(self.start + at)
        return at

    def gap(self, event: Gap) -> None:
        """Let bytes be missing."""
        stop = event.offset + event.length
        if not self.reason:
            self.reason = event.reason
        self.frame = event.frame
        self.time_ns = event.time_ns
        if self.search is not None:
            # What waits may have records whose true headers a false one has hidden.
            self.search.run(self, 0, True)
        if self.search is None:
            at = self.skip_until - self.start if self.skip_until else 0
            if not at and len(self.pending) >= HEADER:
                length = self.pending[3] << 8 | self.pending[4]
                at = HEADER + length
                self.lose(self.pending[0], length)
            elif not at and self.pending and self.search is None:
                self.messages.lose()
            end = self.start + at
            if end < stop or not at:
                self.skip_until = 0
                self.begin_search(end)
            elif end > stop:
                self.skip_until = end
            else:
                self.skip_until = 0
        self.drop(stop)
        self.connection.lost(self)

    def drop(self, start: int) -> None:
        """Let go of all that waits; what comes next is at ``start``."""
        self.pending.clear()
        self.plain.clear()
        self.start = start
        self.wanted = 0

    def begin_search(self, start: int) -> None:
        """From ``start`` on it is not known where records begin."""
        self.messages.lose()
        self.search = Search(start)

    def end(self, *, at_end: bool) -> None:
        """Nothing follows: what is missing is missing."""
        if self.search is not None:
            self.search.run(self, 0, True)
        if self.search is not None:
            size = self.start + len(self.pending) - self.search.start
            self.lose_bytes(size)
            self.search = None
        elif len(self.pending) >= HEADER and not self.skip_until:
            self.lose(self.pending[0], self.pending[3] << 8 | self.pending[4])
            self.exact = False
        self.drop(self.start + len(self.pending))
        self.skip_until = 0
        if self.connection.decided:
            self.settle(at_end)

    # Records.

    def record(self, header: bytes, fragment: bytes, offset: int) -> None:
        """Read a record; its header is at ``offset``."""
        kind = header[0]
        epoch = self.epoch
        connection = self.connection
        if epoch is None or (epoch.is_13 and kind != APPLICATION_DATA):
            if kind != APPLICATION_DATA:
                connection.clear(self, kind, fragment)
                return
            if not connection.expect_change(self):
                return
            epoch = self.epoch
        text = None
        if epoch is not None:
            text = epoch.opener.open(epoch.number, header, fragment)
        if text is None:
            text = self.try_changes(header, fragment)
            if text is None:
                if connection.lacks_epoch(self):
                    return
                self.lose(kind, len(fragment))
                self.exact = False
                return
            epoch = self.epoch
        assert epoch is not None
        epoch.number += 1
        self.opened(header, text, offset, len(fragment))

    def opened(self, header: bytes, text: bytes, offset: int, size: int) -> None:
        """Take what a record of the epoch has proved to carry."""
        epoch = self.epoch
        assert epoch is not None
        connection = self.connection
        if not connection.decided:
            connection.opened(epoch)
        kind = header[0]
        if epoch.is_13:
            text = text.rstrip(b"\0")
            last = len(text) - 1
            kind = text[last] if text else CHANGE_CIPHER_SPEC
            text = text[: max(0, last)]
        if self.losses:
            self.settle(False)
        if kind == APPLICATION_DATA:
            if text:
                at = offset + HEADER + epoch.opener.before
                event = self.plain.event(self, text, at)
                if epoch.is_early:
                    connection.early.add(self, event)
                else:
                    connection.emit(event)
        elif text:
            connection.secret(self, kind, text)
        self.plain.mark(offset + HEADER + size)

    def try_changes(self, header: bytes, fragment: bytes) -> bytes | None:
        """Open a record with the keys that may come next; they do, if they open it.

        Records that were lost just before may be of the new ones.
        """
        for place, epoch in enumerate(self.candidates()):
            for number in range(min(len(self.losses), MAX_LOSSES >> 4) + 1):
                text = epoch.opener.open(number, header, fragment)
                if text is not None:
                    self.change_to(epoch, place, number)
                    return text
        return None

    def candidates(self) -> list[Epoch]:
        """Return the epochs that may come next."""
        if self.changes or self.epoch is None or self.epoch.following is None:
            return self.changes
        return [self.epoch.following()]

    def change_to(self, epoch: Epoch, place: int, number: int) -> None:
        """Go on with another epoch, of which ``number`` records were lost."""
        before = self.epoch
        self.connection.changed(self, before, epoch)
        if not epoch.carries:
            self.losses.clear()
        elif before is None or not before.carries:
            # Those before them were of the handshake.
            del self.losses[: max(0, len(self.losses) - number)]
        epoch.number = number
        self.epoch = epoch
        del self.changes[: place + 1]
        self.messages.begin()

    def advance(self) -> None:
        """The side goes on with its next epoch, as it has said."""
        candidates = self.candidates()
        if candidates:
            self.change_to(candidates[0], 0, 0)

    # What is missing.

    def lose(self, kind: int, length: int) -> None:
        """A record whose fragment has ``length`` bytes cannot be opened."""
        epoch = self.epoch
        self.messages.lose()
        if kind == CHANGE_CIPHER_SPEC and (epoch is None or not epoch.is_13):
            self.connection.clear(self, kind, b"\1")
            return
        if epoch is None:
            if kind == APPLICATION_DATA or self.changes:
                self.losses.append(max(0, length - 17))
                self.exact = False
            return
        epoch.number += 1
        most = max(0, length - epoch.opener.before - epoch.opener.behind)
        if epoch.is_13:
            self.exact = False
        elif kind != APPLICATION_DATA:
            most = 0
        elif not epoch.opener.exact:
            self.exact = False
        if len(self.losses) < MAX_LOSSES:
            self.losses.append(most)
        else:
            self.losses[len(self.losses) - 1] += most

    def lose_bytes(self, size: int) -> None:
        """So many bytes have records of which nobody knows how many they are."""
        epoch = self.epoch
        if epoch is None or size <= HEADER:
            return
        over = HEADER + epoch.opener.before + epoch.opener.behind
        self.losses.append(max(0, size - over))
        self.exact = False

    def settle(self, at_end: bool) -> None:
        """Report what the records that were lost have carried."""
        most = sum(self.losses)
        self.losses.clear()
        if most:
            exact = self.exact and self.reason
            self.connection.emit(
                Gap(
                    self.connection.stream,
                    self.direction,
                    self.plain.offset,
                    most,
                    self.reason if exact else NOT_DECRYPTED,
                    self.frame,
                    self.time_ns,
                    at_end,
                )
            )
            self.plain.offset += most
        self.reason = ""
        self.exact = True
