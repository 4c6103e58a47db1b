# cython: nonecheck=False, initializedcheck=False
# cython: boundscheck=False, overflowcheck=False
"""One row of ``Segments``, as far as the fixed headers fill it.

The checks of index and overflow are off in this file, for they took 27 of 97 ns for
each frame. All indices are constants or ``n``, and what they index has a length
that ``__init__`` or the first lines of ``write`` compare with them, as they do the 20
bytes of the header that are read; every column has ``capacity`` rows. No sum
exceeds 64 bits: a product of a key and 16 bits is below 2**60, and at most 12 are
added up; positions in a buffer are below 2**34.
"""

from array import array

from unpacket._core.decode.packet import Packet
from unpacket._core.decode.segments import NOT_JUDGED, Segments
from unpacket._core.native import loads

HASH_KEYS = 21
HASH_MASK = (1 << 44) - 1

# In ``Segments.identity``.
OTHER_DIRECTION = 1 << 41


class RowWriter:
    """Puts the ends of segments in order, hashes them, and fills rows.

    The hash is multilinear over 16-bit words with secret keys (Lemire and Kaser,
    "Strongly universal string hashing is fast"): whoever does not know the keys
    cannot make connections collide in its upper 29 bits more often than chance does.
    """

    __slots__ = ("_keys",)

    def __init__(self, hash_keys: list[int]) -> None:
        if len(hash_keys) < HASH_KEYS:
            raise ValueError(f"{len(hash_keys)} hash keys, and not {HASH_KEYS}")
        if not all([0 <= key < 1 << 44 for key in hash_keys]):
            raise ValueError("a hash key is not in [0, 2**44)")
        self._keys = array("Q", hash_keys[:HASH_KEYS])

    def write(self, packet: Packet, start: int, segments: Segments, n: int) -> int:
        """Fill row ``n`` from the packet at a TCP header whose payload is at ``start``.

        The options and the checksum are left as absent and not judged.
        """
        at = packet.at
        if n < 0 or n >= segments.capacity or at < 0 or at > len(packet.data) - 20:
            return 0
        ports = loads.load32(packet.data, at, True)
        src_port = ports >> 16
        dst_port = ports & 0xFFFF
        if packet.src_hi != packet.dst_hi:
            forward = packet.src_hi < packet.dst_hi
        elif packet.src_lo != packet.dst_lo:
            forward = packet.src_lo < packet.dst_lo
        else:
            forward = src_port <= dst_port
        if forward:
            a_hi, a_lo, a_port = packet.src_hi, packet.src_lo, src_port
            b_hi, b_lo, b_port = packet.dst_hi, packet.dst_lo, dst_port
        else:
            a_hi, a_lo, a_port = packet.dst_hi, packet.dst_lo, dst_port
            b_hi, b_lo, b_port = packet.src_hi, packet.src_lo, src_port
        total = self._keys[0]
        if packet.context:
            total += self._keys[1] * (packet.context >> 16)
            total += self._keys[2] * (packet.context & 0xFFFF)
        total += self._keys[3] * a_port
        total += self._keys[4] * b_port
        total += self._keys[5] * (a_lo >> 16 & 0xFFFF)
        total += self._keys[6] * (a_lo & 0xFFFF)
        total += self._keys[7] * (b_lo >> 16 & 0xFFFF)
        total += self._keys[8] * (b_lo & 0xFFFF)
        if packet.family == 6:
            total &= HASH_MASK
            total += self._keys[9] * (a_lo >> 48)
            total += self._keys[10] * (a_lo >> 32 & 0xFFFF)
            total += self._keys[11] * (b_lo >> 48)
            total += self._keys[12] * (b_lo >> 32 & 0xFFFF)
            total += self._keys[13] * (a_hi >> 48)
            total += self._keys[14] * (a_hi >> 32 & 0xFFFF)
            total += self._keys[15] * (a_hi >> 16 & 0xFFFF)
            total += self._keys[16] * (a_hi & 0xFFFF)
            total += self._keys[17] * (b_hi >> 48)
            total += self._keys[18] * (b_hi >> 32 & 0xFFFF)
            total += self._keys[19] * (b_hi >> 16 & 0xFFFF)
            total += self._keys[20] * (b_hi & 0xFFFF)
        segments.context[n] = packet.context
        segments.family[n] = packet.family
        segments.direction[n] = 0 if forward else 1
        segments.a_hi[n] = a_hi
        segments.a_lo[n] = a_lo
        segments.b_hi[n] = b_hi
        segments.b_lo[n] = b_lo
        segments.ports[n] = a_port << 16 | b_port
        segments.hash[n] = total & HASH_MASK
        segments.ttl[n] = packet.ttl
        segments.ip_id[n] = packet.ip_id
        segments.seq[n] = loads.load32(packet.data, at + 4, True)
        segments.ack[n] = loads.load32(packet.data, at + 8, True)
        word = loads.load32(packet.data, at + 12, True)
        segments.flags[n] = word >> 16 & 0x1FF
        segments.window[n] = word & 0xFFFF
        segments.sum[n] = loads.load16(packet.data, at + 16, True)
        segments.urgent[n] = loads.load16(packet.data, at + 18, True)
        # Flags and window, IP id, direction and length lie side by side, so that all
        # of them are equal where these are.
        identity = (total & HASH_MASK) << 20
        identity ^= word & 0x1FFFFFF | (packet.ip_id & 0xFFFF) << 25
        identity ^= (packet.wire_stop - start & 0xFFFFF) << 42
        if not forward:
            identity ^= OTHER_DIRECTION
        segments.identity[n] = identity
        segments.source[n] = packet.source
        segments.length[n] = packet.wire_stop - start
        if start < packet.stop:
            segments.start[n] = start
            segments.captured[n] = packet.stop - start
        else:
            # The capture ends within the TCP options, or with them.
            segments.start[n] = packet.stop
            segments.captured[n] = 0
        segments.checksum[n] = NOT_JUDGED
        segments.has_timestamp[n] = 0
        segments.tsval[n] = 0
        segments.tsecr[n] = 0
        return 0
