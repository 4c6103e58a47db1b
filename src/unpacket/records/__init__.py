"""What is known of a stream: an object, a line of JSON, with or without payload."""

from unpacket.records.summary import Missing, Summary
from unpacket.records.whole_stream import Chunk, Hole, WholeStream

__all__ = ["Chunk", "Hole", "Missing", "Summary", "WholeStream"]
