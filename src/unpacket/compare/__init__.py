"""What other programs make of a capture, and which rule explains each difference."""

from unpacket.compare.comparison import Comparison, Opinion, compare
from unpacket.compare.explain import Difference

__all__ = ["Comparison", "Difference", "Opinion", "compare"]
