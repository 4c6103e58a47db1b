# cython: nonecheck=False, initializedcheck=False
# cython: boundscheck=False, overflowcheck=False
"""The Internet checksum (RFC 1071), at the speed of memory.

Addition in ones' complement is addition modulo 0xFFFF, so sums are left unfolded
here: ``total % 0xFFFF`` is the checksum's complement. Modulo 0xFFFF, swapping the
bytes of a word is multiplication by 256. So pairs of bytes are added as the machine
holds them, from the first even position of the buffer, and set right once.

The checks of index and overflow are off in this file: the two single bytes that it
reads lie in the range that its first lines cut to what there is.
"""

import sys

from unpacket._core.decode.packet import Packet
from unpacket._core.native import sums

LITTLE_ENDIAN = sys.byteorder == "little"


def ones_sum(packet: Packet, start: int, stop: int) -> int:
    """Return the sum of ``packet.data[start:stop]`` as 16-bit words, modulo 0xFFFF.

    The first byte is the upper half of a word, and a last half is followed by zero.
    What of the range is outside of the data counts as zero. The result is below
    2**56 for data below 2**32 bytes, and 0 only if every byte is.
    """
    start = max(start, 0)
    stop = min(stop, len(packet.data))
    if start >= stop:
        return 0
    # Word w is bytes 2 * w and 2 * w + 1; these are the words inside the range.
    first = (start + 1) >> 1
    last = min(stop >> 1, len(packet.words))
    total = sums.words_sum(packet.words, first, last)
    # From an odd start, every word is one byte off.
    odd = start & 1
    if LITTLE_ENDIAN != (odd == 1):
        total <<= 8
    if odd:
        total += packet.data[start] << 8
    if stop & 1:
        total += packet.data[stop - 1] << (0 if odd else 8)
    return total
