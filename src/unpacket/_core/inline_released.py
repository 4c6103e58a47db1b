"""The decoder's inner loops; their compiled twins let other threads run meanwhile."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unpacket._core.batch import Batch
    from unpacket._core.decode import Decoder
    from unpacket._core.duplicates import Duplicates
    from unpacket._core.segments import Segments


def run(decoder: "Decoder", batch: "Batch", segments: "Segments", start: int) -> int:
    """Decode from frame ``start`` on; return at which frame the decoder stopped."""
    return decoder._run(batch, segments, start)


def mark(duplicates: "Duplicates", batch: "Batch", segments: "Segments") -> None:
    """Find out which segments are copies of others."""
    duplicates.mark(batch, segments)
