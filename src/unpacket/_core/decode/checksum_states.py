"""How the checksums of each sender fared: the evidence for offload, or for damage.

Counted over the columns of a batch, apart from the loop over segments, and only where
somebody asks. The memory is fixed: senders for whom there is no room share one row.
"""

import ipaddress
from array import array

from unpacket._core.constants import LOW32
from unpacket._core.decode.segments import Segments

HOSTS = 4096
MASK = HOSTS - 1
# Whoever chooses addresses that collide only fills the common row.
PROBES = 16
# 2**32 divided by the golden ratio (Knuth, TAOCP 3, section 6.4).
MULTIPLIER = 0x9E3779B1

# As the checksum column has them.
STATES = ("not_judged", "good", "bad", "unfilled")


class HostSums:
    """Segments by sender and by the state of their TCP checksum."""

    __slots__ = ("counts", "family", "hi", "lo")

    def __init__(self) -> None:
        self.hi = array("Q", bytes(8 * HOSTS))
        self.lo = array("Q", bytes(8 * HOSTS))
        # 0 where a row is free.
        self.family = bytearray(HOSTS)
        self.counts = array("q", bytes(8 * 4 * (HOSTS + 1)))

    def tally(self, segments: Segments) -> None:
        """Count the segments."""
        for i in range(segments.count):
            if segments.direction[i] == 0:
                hi = segments.a_hi[i]
                lo = segments.a_lo[i]
            else:
                hi = segments.b_hi[i]
                lo = segments.b_lo[i]
            row = self.row(hi, lo, segments.family[i])
            self.counts[4 * row + segments.checksum[i]] += 1

    def row(self, hi: int, lo: int, family: int) -> int:
        """Return the row of a sender, taken for it if need be."""
        mixed = lo ^ hi
        mixed = (mixed ^ mixed >> 32) & LOW32
        # A product of two numbers of 32 bits fits into 64.
        mixed = mixed * MULTIPLIER >> 20
        for probe in range(PROBES):
            row = (mixed + probe) & MASK
            if self.family[row] == 0:
                self.family[row] = family
                self.hi[row] = hi
                self.lo[row] = lo
                return row
            if self.lo[row] == lo and self.hi[row] == hi and self.family[row] == family:
                return row
        return HOSTS

    def by_host(self) -> dict[str, dict[str, int]]:
        """Return the counts of each sender, by state; ``""`` are those without a row.

        In the order of addresses.
        """
        found = []
        for row in range(HOSTS):
            # Python's integers: these have 128 bits.
            hi = self.hi[row]
            lo = self.lo[row]
            if self.family[row]:
                found.append((self.family[row], hi << 64 | lo, row))
        found.sort()
        hosts = {}
        for family, address, row in found:
            kind = ipaddress.IPv4Address if family == 4 else ipaddress.IPv6Address
            hosts[str(kind(address))] = self.counted(row)
        others = self.counted(HOSTS)
        if any(others.values()):
            hosts[""] = others
        return hosts

    def counted(self, row: int) -> dict[str, int]:
        """Return the counts of a row."""
        return {STATES[state]: self.counts[4 * row + state] for state in range(4)}
