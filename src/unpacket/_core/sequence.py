"""Sequence numbers to stream offsets: the only file that knows of wrap.

A sequence number is 32 bits and wraps (RFC 9293 section 3.4); an offset is 64
bits, counts from the first payload byte of a direction, and never wraps.
"""

from unpacket._core.constants import HALF32, LOW32


def delta(a: int, b: int) -> int:
    """Return the signed distance in bytes from ``b`` to ``a``, modulo 2**32.

    Both are sequence numbers in ``[0, 2**32)``. The result is in
    ``[-2**31, 2**31)``: positive when ``a`` is later than ``b``.
    """
    return ((a - b + HALF32) & LOW32) - HALF32


def unwrap(seq: int, base_seq: int, near_offset: int) -> int:
    """Return the offset of ``seq`` that lies nearest to ``near_offset``.

    ``base_seq`` is the sequence number of offset 0. The result is negative for
    what lies before the first byte of the stream.
    """
    return near_offset + delta(seq, (base_seq + near_offset) & LOW32)


def wrap(offset: int, base_seq: int) -> int:
    """Return the sequence number of ``offset``."""
    return (base_seq + offset) & LOW32
