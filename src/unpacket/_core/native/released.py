"""The inner loops; their compiled twins let other threads run meanwhile."""

from typing import TYPE_CHECKING

from unpacket._core.reassembly.fast_path import quick_run

if TYPE_CHECKING:
    from unpacket._core.decode.channels import Channels
    from unpacket._core.decode.decoder import Decoder
    from unpacket._core.decode.duplicates import Duplicates
    from unpacket._core.decode.segments import Segments
    from unpacket._core.memory.batch import Batch
    from unpacket._core.reassembly.context import Context
    from unpacket._core.reassembly.table import FlowTable


def run(decoder: "Decoder", batch: "Batch", segments: "Segments", start: int) -> int:
    """Decode from frame ``start`` on; return at which frame the decoder stopped."""
    return decoder._run(batch, segments, start)


def mark(duplicates: "Duplicates", batch: "Batch", segments: "Segments") -> None:
    """Find out which segments are copies of others."""
    duplicates.mark(batch, segments)


def reassemble(
    ctx: "Context",
    table: "FlowTable",
    segments: "Segments",
    batch: "Batch",
    i: int,
    stop: int,
) -> int:
    """Process ordinary segments from row ``i`` on; return the first that is left."""
    return quick_run(ctx, table, segments, batch, i, stop)


def tell_channels(channels: "Channels", batch: "Batch", segments: "Segments") -> None:
    """Find out by which channel segments came."""
    channels.tell(batch, segments)
