"""What is known of a stream: an object, a line of JSON, with or without payload."""

from unpacket.records.summary import Summary
from unpacket.records.whole_stream import Chunk, WholeStream

__all__ = ["Chunk", "Summary", "WholeStream"]
