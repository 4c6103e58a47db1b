"""The decoder's inner loop; its compiled twin lets other threads run meanwhile."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unpacket._core.batch import Batch
    from unpacket._core.decode import Decoder
    from unpacket._core.segments import Segments


def run(decoder: "Decoder", batch: "Batch", segments: "Segments", start: int) -> int:
    """Decode from frame ``start`` on; return at which frame the decoder stopped."""
    return decoder._run(batch, segments, start)
