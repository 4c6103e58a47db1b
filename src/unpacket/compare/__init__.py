"""What other programs make of a capture, and which rule explains each difference."""

from unpacket.compare.comparison import Comparison, Difference, Opinion, compare

__all__ = ["Comparison", "Difference", "Opinion", "compare"]
