"""Events in, messages out: what is under every face that gives messages.

A layer does no I/O and knows no source. It takes the events of many streams, in the
order in which an ``Assembler`` makes them, and returns what they complete.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from unpacket._core.reassembly.events import Closed, Data, Finished, Gap
from unpacket.messages.body import MEMORY_BYTES, SPILL_BYTES, Budget
from unpacket.messages.conversation import Conversation
from unpacket.messages.framer import Framer
from unpacket.messages.settings import Settings

if TYPE_CHECKING:
    from unpacket import Stream


class Layer:
    """Turns events into messages, or into exchanges.

    Args:
        framer: Where messages begin and end.
        exchanges: Whether to pair them, where the framer says that they pair: then
            ``Exchange`` objects come out in place of messages.
        bodies: Whether the bodies are kept; lengths and holes are known anyway.
        sink: Takes the bodies in place of memory: ``sink(message)`` returns an object
            with ``write(data)``, ``hole(offset, length, reason)`` and ``close()``, or
            None to keep that one in memory.
        spill_bytes: How much of one body stays in memory; what is more goes to a
            temporary file.
        memory_bytes: The same for all bodies that are not given out yet.
        bounds: The other bounds of ``settings.Settings``, by name.

    Attributes:
        settings: The bounds, and the counts of what came out.
    """

    __slots__ = ("conversations", "framer", "last", "last_stream", "settings")

    conversations: "dict[Stream, Conversation]"
    last: Conversation | None

    def __init__(
        self,
        framer: Framer,
        *,
        exchanges: bool = False,
        bodies: bool = True,
        sink: Any = None,
        spill_bytes: int = SPILL_BYTES,
        memory_bytes: int = MEMORY_BYTES,
        **bounds: int,
    ) -> None:
        budget = Budget(memory_bytes, spill_bytes, bodies, sink)
        self.framer = framer
        self.settings = Settings(budget, exchanges, **bounds)
        self.conversations = {}
        self.last = None
        self.last_stream: Stream | None = None

    @property
    def waiting_bytes(self) -> int:
        """How many bytes of memory the framing, heads and bodies that wait take."""
        return self.settings.waiting_bytes + self.settings.budget.used_bytes

    def feed(self, events: Iterable[Any]) -> list[Any]:
        """Take events; return the messages, or exchanges, that ended with them.

        Between them stand a ``Skipped`` for each range of bytes that belongs to no
        message, before the message behind it, and a ``Tunnel`` at the end of a stream
        that carried one. Events that carry no bytes of a stream are passed over.
        """
        for event in events:
            kind = type(event)
            if kind is Data:
                self.find(event.stream).data(event)
            elif kind is Gap:
                self.find(event.stream).gap(event)
            elif kind is Finished:
                self.find(event.stream).finished(event)
            elif kind is Closed:
                self.close(event.stream)
        out = self.settings.out
        self.settings.out = []
        return out

    def find(self, stream: "Stream") -> Conversation:
        """Return the conversation of a stream, which begins with its first bytes."""
        if stream is self.last_stream:
            return self.last  # type: ignore[return-value]
        found = self.conversations.get(stream)
        if found is None:
            found = Conversation(stream, self.framer, self.settings)
            self.conversations[stream] = found
        self.last = found
        self.last_stream = stream
        return found

    def close(self, stream: "Stream") -> None:
        """A stream has ended."""
        found = self.conversations.pop(stream, None)
        if found is not None:
            found.closed()
        if stream is self.last_stream:
            self.last = None
            self.last_stream = None

    def finish(self) -> list[Any]:
        """End every stream that is still open, as if it had closed here."""
        for stream in list(self.conversations):
            self.close(stream)
        out = self.settings.out
        self.settings.out = []
        return out
