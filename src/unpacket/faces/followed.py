"""A stream with its callbacks: what these get first, and may call any method of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, TypeVar

from unpacket._core.reassembly.direction import CLIENT, SERVER, Direction
from unpacket._core.reassembly.events import Data
from unpacket._core.reassembly.stream import Endpoint, Stream
from unpacket.errors import LimitError
from unpacket.faces.ack_tracker import AckTracker
from unpacket.faces.callback_queue import Receiver
from unpacket.faces.callbacks import (
    Callback,
    Callbacks,
    OnOutOfOrder,
    Returned,
    checked,
)

if TYPE_CHECKING:
    from unpacket.faces.follower import StreamFollower

Item = TypeVar("Item")
# Of the client and of the server.
Pair: TypeAlias = tuple[Item, Item]

KEPT_BYTES = 64 << 20


class FollowedStream(Receiver, Callbacks):
    """A stream with its callbacks; the facts are those of ``Stream``.

    Callbacks get this object first, and may call any method of it.

    Attributes:
        facts: The ``Stream`` of the core.
        user_data: Yours.
        max_kept_bytes: More than this kept in one direction raises ``LimitError``.
    """

    user_data: Any = None
    max_kept_bytes = KEPT_BYTES
    is_finished = False
    _kept: tuple[bytearray, bytearray] | None = None
    _out_of_order: Pair[Callback | None] = (None, None)
    _ignored: Pair[bool] = (False, False)
    _recovery: Pair[int] = (0, 0)
    _trackers: Pair[AckTracker | None] = (None, None)

    def __init__(
        self, follower: StreamFollower, facts: Stream, hw_addresses: bytes | None
    ) -> None:
        super().__init__(facts)
        self._follower = follower
        # Those of the client and of the server, of six bytes each.
        self._hw_addresses = hw_addresses
        self._cleans_up = follower.auto_cleanup_payloads
        self.is_plain = self._cleans_up and follower._any_data is None

    @property
    def client_hw_addr(self) -> str | None:
        """The Ethernet address of the client in the first packet, or None."""
        return self._hw_addresses[:6].hex(":") if self._hw_addresses else None

    @property
    def server_hw_addr(self) -> str | None:
        """The Ethernet address of the server in the first packet, or None."""
        return self._hw_addresses[6:].hex(":") if self._hw_addresses else None

    @property
    def auto_cleanup_payloads(self) -> bool:
        """Whether payload is forgotten once the data callback has returned.

        False keeps all payload from now on, also that of the running callback, in
        ``client_payload`` and ``server_payload``. True forgets what was kept.
        """
        return self._cleans_up

    @auto_cleanup_payloads.setter
    def auto_cleanup_payloads(self, value: bool) -> None:
        if self._cleans_up and not value:
            for direction in (CLIENT, SERVER):
                self._take(direction, self._payload(direction))
        elif value:
            self._kept = None
        self._cleans_up = bool(value)
        self._decide()

    @property
    def _data_callbacks(self) -> Receiver:
        return self

    def _decide(self) -> None:
        """Say whether data is to be handed over and nothing else."""
        self.is_plain = (
            self._cleans_up
            and not any(self._ignored)
            and self._follower._any_data is None
        )

    @property
    def id(self) -> int:
        """The stream's number, from 0 in the order of first packets."""
        return int(self.facts.id)

    @property
    def client(self) -> Endpoint:
        """The client's end."""
        return self.facts.client

    @property
    def server(self) -> Endpoint:
        """The server's end."""
        return self.facts.server

    @property
    def is_partial(self) -> bool:
        """Whether the beginning of a direction was not captured."""
        return bool(self.facts.is_partial)

    @property
    def create_time_ns(self) -> int:
        """When its first packet was captured."""
        return int(self.facts.first_ns)

    @property
    def last_activity_ns(self) -> int:
        """When its latest packet was captured."""
        return int(self.facts.last_ns)

    @property
    def close_reason(self) -> str | None:
        """Why it ended, or None while it lives."""
        return self.facts.close_reason

    @property
    def complete(self) -> bool:
        """Whether start and end were seen, with no gap and no conflict."""
        return bool(self.facts.complete)

    @property
    def client_payload(self) -> bytes:
        """What the client sent (all so far, if ``auto_cleanup_payloads`` is False).

        Else the new bytes, as long as the data callback is at work, and then nothing.
        """
        return self._payload(CLIENT)

    @property
    def server_payload(self) -> bytes:
        """What the server sent; see ``client_payload``."""
        return self._payload(SERVER)

    def _payload(self, direction: Direction) -> bytes:
        if not self._cleans_up:
            return bytes(self._kept[direction]) if self._kept else b""
        data = self.current_data
        return b"" if data is None or data.direction != direction else data.payload

    @property
    def current_data(self) -> Data | None:
        """The ``Data`` that a data callback of the stream is at work on, else None.

        It has what the payload's offset is, and the frame and capture time of the
        packet that it was in.
        """
        data = self._follower._waiting.at_work()
        return None if data is None or data.stream is not self.facts else data

    def state(self, direction: Direction | int) -> str:
        """Return what the side has sent, as ``Stream.state`` names it."""
        return str(self.facts.state(direction))

    def mss(self, direction: Direction | int) -> int | None:
        """Return the maximum segment size that the side announced."""
        return self.facts.mss(direction)

    def sack_permitted(self, direction: Direction | int) -> bool:
        """Return whether the side permitted SACK."""
        return bool(self.facts.sack_permitted(direction))

    def on_client_out_of_order(
        self, callback: OnOutOfOrder[Returned]
    ) -> OnOutOfOrder[Returned]:
        """Call ``callback(stream, seq, payload)`` for client segments that wait."""
        self._out_of_order = (checked(callback), self._out_of_order[SERVER])
        return callback

    def on_server_out_of_order(
        self, callback: OnOutOfOrder[Returned]
    ) -> OnOutOfOrder[Returned]:
        """Call ``callback(stream, seq, payload)`` for server segments that wait."""
        self._out_of_order = (self._out_of_order[CLIENT], checked(callback))
        return callback

    def ignore_client_data(self) -> None:
        """Take no more of what the client sends; its state is still followed."""
        self._ignore(CLIENT)

    def ignore_server_data(self) -> None:
        """Take no more of what the server sends; its state is still followed."""
        self._ignore(SERVER)

    def _ignore(self, direction: Direction) -> None:
        ignored = list(self._ignored)
        ignored[direction] = True
        self._ignored = (ignored[CLIENT], ignored[SERVER])
        self._decide()
        self._follower.assembler.ignore(self.facts, direction)

    def skip_to(self, direction: Direction | int, offset: int) -> None:
        """Go on at ``offset``; holes before it become gaps, reason ``skipped``."""
        self._follower._insert(
            self._follower.assembler.skip_to(self.facts, direction, offset)
        )

    def advance_sequence(self, direction: Direction | int, seq: int) -> None:
        """Go on at a sequence number, such as an out-of-order callback got."""
        offset = self.facts.offset_of(direction, seq)
        if offset is not None:
            self.skip_to(direction, offset)

    def enable_recovery_mode(self, window_bytes: int) -> None:
        """Skip holes at once in the next ``window_bytes`` of each direction."""
        ends = []
        for direction in (CLIENT, SERVER):
            offset = self.facts.offset_of(
                direction, self.facts.next_seq(direction) or 0
            )
            ends.append(window_bytes + (offset or 0))
        self._recovery = (ends[CLIENT], ends[SERVER])

    @property
    def is_recovery_mode_enabled(self) -> bool:
        """Whether a direction is still within its recovery window."""
        for direction in (CLIENT, SERVER):
            seq = self.facts.next_seq(direction)
            offset = 0 if seq is None else self.facts.offset_of(direction, seq)
            if self._recovery[direction] > (offset or 0):
                return True
        return False

    def enable_ack_tracking(self) -> None:
        """Follow from now on what each side acknowledges, SACK included."""
        if self._trackers[CLIENT] is None:
            self._trackers = (AckTracker(), AckTracker())
            for direction in (CLIENT, SERVER):
                tracker = self._trackers[direction]
                self._follower.assembler.track(self.facts, direction.other, tracker)

    def ack_tracker(self, direction: Direction | int) -> AckTracker | None:
        """Return what the side has acknowledged, if that is tracked."""
        return self._trackers[direction]

    def close(self) -> None:
        """End the stream, with reason ``user``."""
        self._follower._insert(self._follower.assembler.close(self.facts))

    def _take(self, direction: int, payload: bytes) -> None:
        if self._kept is None:
            self._kept = (bytearray(), bytearray())
        kept = self._kept[direction]
        if len(kept) + len(payload) > self.max_kept_bytes:
            raise LimitError("max_kept_bytes", self.max_kept_bytes)
        kept += payload

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a FollowedStream has callbacks, and is neither copied nor pickled; its "
            "facts can be"
        )

    def __repr__(self) -> str:
        return f"<FollowedStream {self.id} {self.client} > {self.server}>"
