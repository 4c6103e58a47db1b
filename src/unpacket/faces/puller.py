"""Streams for a consumer that takes what it wants, for users of pcap_tcp_assembler.

The consumer is offered all that is contiguous and not yet taken. It may refuse, and
is then offered more once more has come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from unpacket._core.reassembly.direction import CLIENT, SERVER, Direction
from unpacket._core.reassembly.events import Gap
from unpacket._options import names_options, wrong
from unpacket.faces.followed import FollowedStream
from unpacket.faces.follower import StreamFollower
from unpacket.policy import Policy

if TYPE_CHECKING:
    from unpacket._core.memory.batch import Batch
    from unpacket.sources.source import Capture

Consume: TypeAlias = Callable[[FollowedStream, Direction, memoryview], int]
Inform: TypeAlias = Callable[[FollowedStream, Direction, int, str], object]

PRESET = "pcap-tcp-assembler"

# How many offers in a row may be refused in the search for a message: the cost of a
# flush stays bounded, whatever the consumer thinks of the bytes.
MAX_REFUSED_OFFERS = 4096

_BUFFER_BYTES = 131072


class _Buffer:
    """What one direction has and the consumer has not taken.

    After a loss ``search_bytes`` is how much has to wait for the next search.
    """

    __slots__ = ("after_loss", "search_bytes", "waiting")

    def __init__(self) -> None:
        self.waiting = bytearray()
        self.after_loss = False
        self.search_bytes = 0


class Puller:
    """Offers contiguous bytes to a consumer, which takes all, some or none of them.

    After a loss, or if more than ``max_held_bytes`` of the policy wait, bytes are
    offered from one offset after the other until the consumer accepts some: there
    the next message begins. The bytes before are skipped, and reported once the
    consumer has accepted. If it refuses all offsets, they are offered again once
    twice as much waits; until then only the first offset is offered. After
    ``MAX_REFUSED_OFFERS`` refusals in a row, the offsets that were tried are given up.
    At the end of a stream everything that is left is offered in this way, that of the
    client first.

    Args:
        try_consume: ``try_consume(stream, direction, view)`` returns how many bytes
            it took, from the beginning of ``view``; 0 refuses. The view ends with
            the call.
        inform_loss: ``inform_loss(stream, direction, lost_bytes, reason)``, before
            the data that follows. Reasons are those of ``Gap``; ``skipped`` for
            bytes that the consumer refused at every offer.
        policy: None means the preset ``pcap-tcp-assembler``.
        link_type: The link type of packets that are ``bytes``; None means Ethernet.

    Attributes:
        follower: The ``StreamFollower`` under it, which knows the streams.
    """

    @names_options
    def __init__(
        self,
        try_consume: Consume,
        inform_loss: Inform | None = None,
        *,
        policy: Policy | None = None,
        link_type: int | str | None = None,
    ) -> None:
        if not callable(try_consume):
            raise wrong("try_consume", try_consume, "a function")
        if inform_loss is not None and not callable(inform_loss):
            raise wrong("inform_loss", inform_loss, "a function")
        if policy is None:
            policy = Policy.preset(PRESET)
        bound = policy.max_held_bytes
        self._bound_bytes = _BUFFER_BYTES if bound is None else bound
        self._try_consume = try_consume
        self._inform_loss = inform_loss
        self._buffers: dict[int, tuple[_Buffer, _Buffer]] = {}
        follower = StreamFollower(policy=policy, link_type=link_type)
        follower.on_new_stream(self._on_new)
        follower.on_client_data(lambda it, new: self._on_data(it, CLIENT, new))
        follower.on_server_data(lambda it, new: self._on_data(it, SERVER, new))
        follower.on_gap(self._on_gap)
        follower.on_closed(self._on_closed)
        self.follower = follower

    @names_options
    def feed(self, packets: Capture | Batch | None, *, merge: bool = False) -> None:
        """Take packets, as ``StreamFollower.feed`` does."""
        self.follower.feed(packets, merge=merge)

    def finish(self) -> None:
        """The capture has ended: offer all that is left."""
        self.follower.finish()

    def _on_new(self, stream: FollowedStream) -> None:
        self._buffers[stream.id] = (_Buffer(), _Buffer())

    def _on_data(
        self, stream: FollowedStream, direction: Direction, payload: bytes
    ) -> None:
        buffer = self._buffers[stream.id][direction]
        buffer.waiting += payload
        if buffer.after_loss and len(buffer.waiting) >= buffer.search_bytes:
            if not self._search(stream, direction, buffer):
                buffer.search_bytes = 2 * len(buffer.waiting)
        else:
            self._offer_all(stream, direction, buffer)
        while len(buffer.waiting) > self._bound_bytes:
            self._give_up(stream, direction, buffer)

    def _on_gap(self, stream: FollowedStream, gap: Gap) -> None:
        direction = gap.direction
        buffer = self._buffers[stream.id][direction]
        self._flush(stream, direction, buffer)
        buffer.after_loss = True
        buffer.search_bytes = 0
        self._inform(stream, direction, gap.length, gap.reason)

    def _on_closed(self, stream: FollowedStream) -> None:
        buffers = self._buffers[stream.id]
        for direction in (CLIENT, SERVER):
            self._flush(stream, direction, buffers[direction])
        del self._buffers[stream.id]

    def _flush(
        self, stream: FollowedStream, direction: Direction, buffer: _Buffer
    ) -> None:
        while buffer.waiting:
            self._give_up(stream, direction, buffer)

    def _give_up(
        self, stream: FollowedStream, direction: Direction, buffer: _Buffer
    ) -> None:
        """Search for a message; without one, drop the offsets that were tried."""
        if not self._search(stream, direction, buffer):
            dropped = min(len(buffer.waiting), MAX_REFUSED_OFFERS)
            del buffer.waiting[:dropped]
            buffer.after_loss = True
            if dropped:
                self._inform(stream, direction, dropped, "skipped")

    def _search(
        self, stream: FollowedStream, direction: Direction, buffer: _Buffer
    ) -> bool:
        """Return whether bytes were accepted from one of the next offsets on."""
        start, taken = self._offer(stream, direction, buffer, MAX_REFUSED_OFFERS)
        if not taken:
            return False
        del buffer.waiting[: start + taken]
        buffer.after_loss = False
        if start:
            self._inform(stream, direction, start, "skipped")
        self._offer_all(stream, direction, buffer)
        return True

    def _offer_all(
        self, stream: FollowedStream, direction: Direction, buffer: _Buffer
    ) -> None:
        while buffer.waiting:
            _, taken = self._offer(stream, direction, buffer, 1)
            if not taken:
                return
            del buffer.waiting[:taken]
            buffer.after_loss = False

    def _offer(
        self,
        stream: FollowedStream,
        direction: Direction,
        buffer: _Buffer,
        offers: int,
    ) -> tuple[int, int]:
        """Offer what waits, from one offset after the other.

        Returns:
            Where bytes were accepted, and how many: 0 if none of ``offers`` was.
        """
        try_consume = self._try_consume
        length = len(buffer.waiting)
        with memoryview(buffer.waiting) as whole, whole.toreadonly() as waiting:
            view = waiting
            try:
                for start in range(min(length, offers)):
                    view = waiting[start:]
                    taken = try_consume(stream, direction, view)
                    # The view ends with the call, and the buffer may shrink again.
                    view.release()
                    if taken:
                        break
                else:
                    return 0, 0
            finally:
                view.release()
        if not 0 <= taken <= length - start:
            raise ValueError(f"try_consume took {taken} of {length - start} bytes")
        return start, taken

    def _inform(
        self, stream: FollowedStream, direction: Direction, lost: int, reason: str
    ) -> None:
        if self._inform_loss is not None:
            self._inform_loss(stream, direction, lost, reason)
