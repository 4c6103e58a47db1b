"""Where records go on behind bytes that are missing, and which numbers they have.

Nobody can tell by its look whether ciphertext is the beginning of a record, nor how
many records a gap has hidden. Both are found by trial: the tag of a record opens it at
its true place and with its true number only. How many trials there may be is bounded
by how many bytes came.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from unpacket.tls.handshake import exact_messages
from unpacket.tls.names import APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE
from unpacket.tls.records import BEGINNING, HEADER, MAX_FRAGMENT, RECORD

if TYPE_CHECKING:
    from unpacket.tls.epoch import Epoch
    from unpacket.tls.half import Half

# So many trials a gap has at first, and one more for each so many bytes behind it.
# 4,096 of records of 16 KiB take some 20 ms.
TRIALS = 4096
BYTES_A_TRIAL = 16

# Of the keys that may come next not more than so many numbers are tried.
CHANGED_TRIALS = 64


class Search:
    """Looks for the next record of a half.

    How many trials there may be at an offset depends on nothing but that, and on how
    many there were, so that no answer depends on how the bytes were cut.

    Attributes:
        start: The offset in the stream at which the first record lies that is lost.
        tried: How many trials there were.
    """

    __slots__ = ("looked", "start", "tried")

    def __init__(self, start: int) -> None:
        self.start = start
        self.tried = 0
        # Up to this offset of the stream nothing is looked at again.
        self.looked = start

    def run(self, half: Half, at: int, ended: bool) -> tuple[int, bool]:
        """Look through what waits in a half, from ``at`` on.

        Args:
            ended: Whether nothing follows that belongs to it.

        Returns:
            Up to where it is dealt with, and whether the half is in step again.
        """
        data = half.pending
        size = len(data)
        at = max(at, self.looked - half.start)
        while at < size:
            found = RECORD.search(data, at)
            if found is None:
                at = max(at, size - HEADER + 1)
                while at < size and BEGINNING.match(data, at) is None:
                    at += 1
                break
            at = found.start()
            stop = at + HEADER + (data[at + 3] << 8 | data[at + 4])
            if stop > size:
                if not ended:
                    break
                at += 1
                continue
            header = bytes(data[at : at + HEADER])
            if self.fits(half, header, bytes(data[at + HEADER : stop]), at):
                half.search = None
                half.typical = stop - at
                if ended:
                    half.forget(stop)
                    half.run()
                    return 0, True
                return stop, True
            at += 1
        self.looked = half.start + at
        return at, False

    def fits(self, half: Half, header: bytes, fragment: bytes, at: int) -> bool:
        """Return whether a record is one, and read it if so."""
        offset = half.start + at
        kind = header[0]
        epoch = half.epoch
        if epoch is None or epoch.is_13:
            if kind == HANDSHAKE and exact_messages(fragment):
                half.search = None
                half.connection.clear(half, kind, fragment)
                return True
            if kind == CHANGE_CIPHER_SPEC and fragment == b"\1":
                half.search = None
                half.connection.clear(half, kind, fragment)
                return True
            if kind != APPLICATION_DATA and epoch is not None:
                return False
        lost = offset - self.start
        if epoch is not None:
            for number in self.numbers(epoch, lost, half.typical, fragment):
                text = epoch.opener.open(number, header, fragment)
                if text is not None:
                    self.count(half, epoch, lost, number - epoch.number)
                    epoch.number = number + 1
                    half.search = None
                    half.opened(header, text, offset, len(fragment))
                    return True
        half.connection.expect_change(half)
        for place, following in enumerate(half.candidates()):
            opener = following.opener
            shortest = HEADER + opener.before + opener.behind
            most = len(half.losses) + lost // shortest
            for number in range(min(most, CHANGED_TRIALS) + 1):
                if not self.may_try(lost):
                    return False
                text = opener.open(number, header, fragment)
                if text is not None:
                    half.change_to(following, place, number)
                    of_handshake = epoch is None or not epoch.carries
                    if following.carries and (number or not of_handshake):
                        half.losses.append(max(0, lost - shortest))
                        half.exact = False
                    following.number = number + 1
                    half.search = None
                    half.opened(header, text, offset, len(fragment))
                    return True
        return False

    def may_try(self, lost: int) -> bool:
        """Return whether there may be another trial, so far behind the start."""
        self.tried += 1
        return self.tried <= TRIALS + lost // BYTES_A_TRIAL

    def count(self, half: Half, epoch: Epoch, lost: int, records: int) -> None:
        """Note what so many records of ``lost`` bytes have carried at most."""
        opener = epoch.opener
        if records > 0:
            over = HEADER + opener.before + opener.behind
            half.losses.append(max(0, lost - records * over))
            half.exact = False

    def numbers(
        self, epoch: Epoch, lost: int, typical: int, fragment: bytes
    ) -> Iterator[int]:
        """Give the numbers that a record behind ``lost`` bytes may have, likely first.

        They are those of the shortest and of the longest records that fit in, and
        most likely of records as long as the last one.
        """
        opener = epoch.opener
        shortest = HEADER + opener.before + opener.behind
        first = epoch.number + -(-lost // (HEADER + MAX_FRAGMENT))
        last = epoch.number + lost // shortest
        likely = epoch.number + round(lost / max(typical, shortest))
        guess = opener.guess(fragment)
        if first <= guess <= last:
            likely = guess
        likely = min(max(likely, first), last)
        for away in range(last - first + 1):
            for number in (likely + away, likely - away) if away else (likely,):
                if first <= number <= last:
                    if not self.may_try(lost):
                        return
                    yield number
