"""The sum of 16-bit words modulo 0xFFFF, at the speed of memory.

The compiled twin is in the ``.pxd``: there are instructions for 32 bytes at a time,
which not every processor has.
"""

from typing import Any


def words_sum(words: Any, first: int, last: int) -> int:
    """Return a number that is the sum of ``words[first:last]``, modulo 0xFFFF.

    It is 0 only if all of them are, and below 2**47 for fewer than 2**31 words.
    """
    return sum(words[first:last])


def octets_sum(data: bytes, start: int, stop: int) -> int:
    """Return the sum of the big-endian words of ``data[start:stop]`` modulo 0xFFFF.

    An odd byte at the end is followed by a zero (RFC 1071).
    """
    # One's complement addition of words is addition modulo 2**16 - 1.
    number = int.from_bytes(data[start:stop], "big")
    return (number << 8 if stop - start & 1 else number) % 0xFFFF
