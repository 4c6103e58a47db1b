"""A follower that writes down what it called back for, and the text it follows."""

from collections.abc import Iterable
from typing import Any

from tests.builder import Conversation, Frame
from unpacket import Batch, Direction, FollowedStream, Policy, StreamFollower

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER

# As long as the text that libtins' own tests send.
TEXT = b"".join(b"%d green bottles; " % number for number in range(150))[:2297]
PIECE = 5


def pieces(payload: bytes = TEXT) -> list[tuple[int, bytes]]:
    """Return a payload cut in pieces, with their offsets."""
    starts = range(0, len(payload), PIECE)
    return [(start, payload[start : start + PIECE]) for start in starts]


class Following:
    """A follower, and what it called back for, in order.

    Attributes:
        calls: The name of the callback, then what it got besides the stream.
        streams: What the callback for new streams got.
    """

    def __init__(self, policy: Policy | None = None) -> None:
        self.follower = StreamFollower(policy=policy)
        self.calls: list[tuple[Any, ...]] = []
        self.streams: list[FollowedStream] = []
        self.fed = 0
        follower = self.follower
        follower.on_new_stream(self.on_new)
        follower.on_client_data(lambda _, payload: self.say("client", payload))
        follower.on_server_data(lambda _, payload: self.say("server", payload))
        follower.on_gap(lambda _, gap: self.say("gap", gap.offset, gap.length))
        follower.on_conflict(lambda _, it: self.say("conflict", it.kept, it.other))
        follower.on_rejected(lambda _, it: self.say("rejected", it.reason))
        follower.on_finished(lambda _, side: self.say("finished", str(side)))
        follower.on_closed(lambda stream: self.say("closed", stream.close_reason))
        follower.on_stream_termination(lambda _, why: self.say("terminated", why))
        follower.on_teardown(lambda _: self.say("teardown"))

    def on_new(self, stream: FollowedStream) -> None:
        self.streams.append(stream)

    def say(self, *call: Any) -> None:
        self.calls.append(call)

    @property
    def stream(self) -> FollowedStream:
        """The stream that began last."""
        return self.streams[-1]

    def feed(self, frames: Iterable[Frame]) -> list[tuple[Any, ...]]:
        """Feed frames one at a time, and return what was called back for."""
        before = len(self.calls)
        for frame in frames:
            self.follower.feed(Batch.from_frames([frame], self.fed + 1))
            self.fed += 1
        return self.calls[before:]

    def finish(self) -> list[tuple[Any, ...]]:
        """End the capture, and return what was called back for."""
        before = len(self.calls)
        self.follower.finish()
        return self.calls[before:]

    def follow(self, talk: Conversation) -> "Following":
        """Feed a whole conversation, and end the capture."""
        self.feed(talk)
        self.finish()
        return self

    def told(self, name: str) -> list[Any]:
        """Return what each call of one callback got."""
        return [
            call[1] if len(call) == 2 else call[1:]
            for call in self.calls
            if call[0] == name
        ]

    def payload(self, name: str) -> bytes:
        """Return the bytes of one side, ``client`` or ``server``."""
        return b"".join(self.told(name))
