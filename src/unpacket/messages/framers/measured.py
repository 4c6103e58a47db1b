"""Framers of messages that begin with a header, which says how long they are.

Behind a hole a message is one if the header before it and the header behind it both
may be some: chance alone rarely makes two of them at the right distance.

What is asked about a header depends on no byte behind those that decide: or else the
answer would depend on how many had come.
"""

import re

from unpacket.messages.answers import Answer, message, need, refuse
from unpacket.messages.framers.noted import Reader, noted
from unpacket.messages.framers.sided import Sided

# Of what is sought: longer ones are passed over, since all of them has to wait.
MAX_SOUGHT = 128 << 10


class Measured(Sided):
    """A framer that measures.

    Attributes:
        head: How many bytes of a message are no body.
        starts: What a message may begin with where one is sought, be it cut at the
            end of the data; None where nothing tells.
    """

    __slots__ = ()

    head = 4
    starts: re.Pattern[bytes] | None = None

    def measure(self, data: bytes, start: int, sought: bool) -> int:
        """Return how long the message is that begins at ``data[start]``.

        Args:
            sought: Whether nothing says that one begins there, but its own bytes.

        Returns:
            0 if none does; -n if at least n bytes more are needed to say. Bytes
            behind those change nothing.
        """
        return 0

    def fits(self, data: bytes, start: int, length: int) -> bool:
        """Return whether one that is sought, and has all come, may be a message."""
        return True

    def answer(self, data: bytes, start: int, length: int) -> Answer:
        """Return the answer for a message that begins there."""
        answer = message(length, self.head)
        head = data[start : start + self.head]
        return noted(answer, self.reader, self.direction, head)

    reader: Reader

    def frame(self, data: bytes, start: int, ended: bool) -> Answer:
        """Say how long the message is that begins at ``data[start]``."""
        length = self.measure(data, start, not self.certain)
        if length < 0:
            return need(-length)
        if length == 0:
            self.reset()
            return refuse()
        if not self.certain:
            behind = start + length
            if length > MAX_SOUGHT:
                return refuse()
            if behind > len(data):
                return refuse() if ended else need(behind - len(data))
            if not self.fits(data, start, length):
                return refuse()
            # Where the data ends nothing contradicts.
            following = -1 if behind == len(data) else self.follows(data, start, behind)
            if following < 0 and not ended:
                return need(-following)
            if following == 0:
                return refuse()
            self.certain = True
        return self.answer(data, start, length)

    def follows(self, data: bytes, start: int, at: int) -> int:
        """Return whether one may begin at ``at``, behind that at ``start``."""
        return self.measure(data, at, True)

    def find_start(self, data: bytes, start: int, ended: bool) -> int:
        """Return where a message may begin."""
        self.certain = False
        if self.starts is None:
            return len(data)
        found = self.starts.search(data, start)
        while found is not None and found.start() < len(data):
            if self.measure(data, found.start(), True):
                return found.start()
            found = self.starts.search(data, found.start() + 1)
        return len(data)
