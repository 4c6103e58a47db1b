# cython: nonecheck=False, initializedcheck=False
# cython: boundscheck=False, overflowcheck=False
"""The Internet checksum (RFC 1071), at the speed of memory.

Addition in ones' complement is addition modulo 0xFFFF, so sums are left unfolded
here: ``total % 0xFFFF`` is the checksum's complement. Modulo 0xFFFF, swapping the
bytes of a word is multiplication by 256. So pairs of bytes are added as the machine
holds them, from the first even position of the buffer, and set right once.

The checks of index and overflow are off in this file, for one loop that adds 23 GB/s
without them and 1.4 with them; its bounds are proved where it stands.
"""

import sys

from unpacket._core.packet import Packet

LITTLE_ENDIAN = sys.byteorder == "little"
# So many 16-bit words never exceed 32 bits, and 32-bit additions vectorize well.
BLOCK_WORDS = 1 << 16


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
    total = 0
    while first < last:
        block = min(first + BLOCK_WORDS, last)
        partial = 0
        # 0 <= first <= i < block <= last <= len(words), and the sum of at most
        # 65536 words of 16 bits is below 2**32.
        for i in range(first, block):
            partial += packet.words[i]
        total += partial
        first = block
    # From an odd start, every word is one byte off.
    odd = start & 1
    if LITTLE_ENDIAN != (odd == 1):
        total <<= 8
    if odd:
        total += packet.data[start] << 8
    if stop & 1:
        total += packet.data[stop - 1] << (0 if odd else 8)
    return total
