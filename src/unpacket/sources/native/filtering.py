"""The loop over the frames of a filter; its compiled twin lets other threads run."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unpacket._core.memory.batch import Batch
    from unpacket.sources.bpf.machine import Memory, Program


def mark(program: "Program", batch: "Batch", start: int, memory: "Memory") -> int:
    """Run the program from frame ``start`` on; return at which frame it stopped."""
    return program._mark(batch, start, memory)
