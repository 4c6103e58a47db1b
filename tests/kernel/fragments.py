"""The obviously correct model of how Linux joins the fragments of one datagram.

inet_frag_queue_insert (net/ipv4/inet_fragment.c), ip_frag_queue and ip6_frag_queue.
Overlaps are judged by runs: fragments that came one behind the other at the end of
what was there are one run, and a fragment that came in front of others stays alone.
What lies within one run is ignored as a copy, whatever its bytes are; any other
overlap discards all that is there, and what comes next begins anew.
"""

from typing import NamedTuple

TCP_HEADER_BYTES = 20


class Fragment(NamedTuple):
    """The bytes ``[start, start + len(data))`` of what an IP packet carries.

    Attributes:
        more: The flag that says that others lie behind.
    """

    start: int
    data: bytes
    more: bool

    @property
    def stop(self) -> int:
        return self.start + len(self.data)


class Datagram:
    """What came of one datagram, and is not whole yet."""

    def __init__(self, version: int) -> None:
        self._version = version
        self._forget()

    def receive(self, fragment: Fragment) -> bytes | None:
        """Take a fragment; return the whole if it has come to that."""
        if fragment.start == 0 and not fragment.more:
            return fragment.data
        if self._version == 6:
            if fragment.more and fragment.stop % 8:
                return None
            if fragment.start == 0 and len(fragment.data) < TCP_HEADER_BYTES:
                return None  # RFC 8200 section 4.5
        elif fragment.more and fragment.stop % 8:
            fragment = fragment._replace(data=fragment.data[: -(fragment.stop % 8)])
        if not self._fits(fragment):
            self._forget()
            return None
        if not self._put(fragment):
            return None
        parts = sorted(part for run in self._runs for part in run)
        whole = b"".join(part.data for part in parts)
        if not self._last_came or parts[0].start or len(whole) != self._length:
            return None
        self._forget()
        return whole

    def _forget(self) -> None:
        self._runs: list[list[Fragment]] = []
        self._length = 0
        self._last_came = False

    def _fits(self, fragment: Fragment) -> bool:
        """Return whether the end agrees with what is known of the length."""
        if not fragment.more:
            if fragment.stop < self._length:
                return False
            if self._last_came and fragment.stop != self._length:
                return False
            self._last_came = True
            self._length = fragment.stop
        elif fragment.stop > self._length:
            if self._last_came:
                return False
            self._length = fragment.stop
        return bool(fragment.data)

    def _put(self, fragment: Fragment) -> bool:
        """Put a fragment among the others; return whether it was put."""
        if self._runs and fragment.stop > self._runs[-1][-1].stop:
            edge = self._runs[-1][-1].stop
            if fragment.start == edge:
                self._runs[-1].append(fragment)
                return True
            if fragment.start < edge:
                self._forget()
                return False
        for run in self._runs:
            start, stop = run[0].start, run[-1].stop
            if fragment.stop > start and fragment.start < stop:
                if fragment.start < start or fragment.stop > stop:
                    self._forget()
                return False
        self._runs.append([fragment])
        self._runs.sort()
        return True
