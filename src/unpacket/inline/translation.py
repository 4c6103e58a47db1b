"""Where the bytes of a direction went when others took their place.

Two spaces of offsets: ``original`` counts what the sender sent, ``out`` what the
receiver gets. An edit says that ``old`` original bytes became ``new`` bytes of output.
Edits are appended in order, and forgotten once the receiver has acknowledged them.
Between them both spaces advance together.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

# How many forgotten edits may lie before the others until the lists are cut.
SLACK = 1024


class Edits:
    """The edits that the receiver has not acknowledged yet."""

    __slots__ = ("_first", "_new", "_old", "_original", "_out", "_shift")

    def __init__(self) -> None:
        self._first = 0
        self._original: list[int] = []
        self._old: list[int] = []
        self._out: list[int] = []
        self._new: list[int] = []
        # Out minus original, before the first edit that is left.
        self._shift = 0

    def __len__(self) -> int:
        return len(self._original) - self._first

    def append(self, original: int, old: int, out: int, new: int) -> None:
        """Note that ``[original, original + old)`` became ``[out, out + new)``.

        Nothing lies before the end of the edit before it.
        """
        self._original.append(original)
        self._old.append(old)
        self._out.append(out)
        self._new.append(new)

    def out(self, original: int) -> int:
        """Return where in the output an original offset begins.

        The inside of an edit is its start; so what is sent again begins early
        enough.
        """
        first = bisect_left(self._original, original, self._first)
        if first < len(self._original) and self._original[first] == original:
            return self._out[first]
        if first == self._first:
            return original + self._shift
        last = first - 1
        behind = original - self._original[last] - self._old[last]
        if behind < 0:
            return self._out[last]
        return self._out[last] + self._new[last] + behind

    def original(self, out: int) -> int:
        """Return the greatest original offset whose whole output lies below ``out``."""
        last = bisect_right(self._out, out, self._first) - 1
        if last < self._first:
            return out - self._shift
        behind = out - self._out[last] - self._new[last]
        if behind < 0:
            return self._original[last]
        return self._original[last] + self._old[last] + behind

    def original_up(self, out: int) -> int:
        """Return the least original offset none of whose output lies below ``out``."""
        last = bisect_left(self._out, out, self._first) - 1
        if last < self._first:
            return out - self._shift
        end = self._original[last] + self._old[last]
        return end + max(0, out - self._out[last] - self._new[last])

    def forget(self, out: int) -> None:
        """Forget the edits whose output ends at ``out`` or before it."""
        first = self._first
        count = len(self._original)
        while first < count and self._out[first] + self._new[first] <= out:
            end = self._original[first] + self._old[first]
            self._shift = self._out[first] + self._new[first] - end
            first += 1
        if first > SLACK or first == count:
            for column in (self._original, self._old, self._out, self._new):
                del column[:first]
            first = 0
        self._first = first


def difference(old: bytes, new: bytes) -> tuple[int, int]:
    """Return how many bytes two runs share at the start, and at the end of the rest."""
    most = min(len(old), len(new))
    start = shared(most, lambda n: old[:n] == new[:n])
    most -= start
    old_end, new_end = len(old), len(new)
    end = shared(most, lambda n: old[old_end - n :] == new[new_end - n :])
    return start, end


def shared(most: int, holds: object) -> int:
    """Return the greatest n up to ``most`` for which something holds, by halving."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):  # type: ignore[operator]
            low = middle
        else:
            high = middle - 1
    return low
