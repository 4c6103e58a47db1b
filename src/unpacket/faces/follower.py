"""Streams by callback, for users of libtins, cycapture or Sniffer.

A ``StreamFollower`` takes packets, one or many at a time, and calls callbacks for each
new stream, its bytes, gaps and end. A decision of a callback about a stream (to ignore
a side, to continue behind a hole) takes effect with the very packet that caused it.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, TypeVar

from unpacket import sources
from unpacket._core.memory.batch import Batch
from unpacket._core.reassembly.assembler import Assembler
from unpacket._core.reassembly.events import (
    CLIENT,
    SERVER,
    Closed,
    Conflict,
    Data,
    Direction,
    Event,
    Finished,
    Gap,
    Note,
    Opened,
    Rejected,
)
from unpacket._core.reassembly.stream import Endpoint, Stream
from unpacket._options import names_options, wrong
from unpacket.errors import LimitError
from unpacket.faces.ack_tracker import AckTracker
from unpacket.faces.attending import Attending, recall
from unpacket.faces.callback_queue import Receiver, Waiting, hw_addresses
from unpacket.faces.link_type_check import LinkTypeCheck
from unpacket.policy import Policy
from unpacket.sources.link_types import link_type_number
from unpacket.sources.objects import ObjectSource
from unpacket.sources.packets import packet_of

if TYPE_CHECKING:
    from unpacket.sources.bpf.filter import Bpf, BpfLike
    from unpacket.sources.source import Capture

Callback = Callable[..., object]
# Callbacks by what they get. A method that is used as a decorator returns what it is
# given, so they are generic in what they return, which nobody looks at.
Returned = TypeVar("Returned")
OnStream: TypeAlias = Callable[["FollowedStream"], Returned]
OnData: TypeAlias = Callable[["FollowedStream", bytes], Returned]
OnGap: TypeAlias = Callable[["FollowedStream", Gap], Returned]
OnConflict: TypeAlias = Callable[["FollowedStream", Conflict], Returned]
OnRejected: TypeAlias = Callable[["FollowedStream", Rejected], Returned]
OnFinished: TypeAlias = Callable[["FollowedStream", Direction], Returned]
OnOutOfOrder: TypeAlias = Callable[["FollowedStream", int, bytes], Returned]
OnEvents: TypeAlias = Callable[[list[Event]], Returned]
OnTermination: TypeAlias = Callable[["FollowedStream", str], Returned]
Item = TypeVar("Item")
# Of the client and of the server.
Pair: TypeAlias = tuple[Item, Item]

# How a stream ended that was not torn down by its own ends (libtins calls only these
# terminations).
TERMINATIONS = frozenset({"timeout", "buffer_limit", "memory_limit", "reused"})

KEPT_BYTES = 64 << 20

# A FollowedStream with its attributes, and where it is found.
FOLLOWED_BYTES = 464

_IDLE_S = 300.0


class Callbacks:
    """The callbacks that a stream and its follower have alike.

    Each method may be used as a decorator. A follower's are for the streams that
    have none of their own, but ``on_closed``, which is called for both.
    """

    # What most streams never change is not set for each.
    _gap: Callback | None = None
    _conflict: Callback | None = None
    _rejected: Callback | None = None
    _finished: Callback | None = None
    _closed: Callback | None = None

    @property
    def _data_callbacks(self) -> Receiver | Waiting:
        """What has those for data, of which the core takes care."""
        raise NotImplementedError

    def on_client_data(self, callback: OnData[Returned]) -> OnData[Returned]:
        """Call ``callback(stream, payload)`` for what the client sends."""
        self._data_callbacks.client_callback = _callable(callback)
        return callback

    def on_server_data(self, callback: OnData[Returned]) -> OnData[Returned]:
        """Call ``callback(stream, payload)`` for what the server sends."""
        self._data_callbacks.server_callback = _callable(callback)
        return callback

    def on_gap(self, callback: OnGap[Returned]) -> OnGap[Returned]:
        """Call ``callback(stream, gap)``, before the data that follows the gap."""
        self._gap = _callable(callback)
        return callback

    def on_conflict(self, callback: OnConflict[Returned]) -> OnConflict[Returned]:
        """Call ``callback(stream, conflict)`` where two segments disagree."""
        self._conflict = _callable(callback)
        return callback

    def on_rejected(self, callback: OnRejected[Returned]) -> OnRejected[Returned]:
        """Call ``callback(stream, rejected)`` for segments no receiver would take."""
        self._rejected = _callable(callback)
        return callback

    def on_finished(self, callback: OnFinished[Returned]) -> OnFinished[Returned]:
        """Call ``callback(stream, direction)`` when a side has sent its last byte."""
        self._finished = _callable(callback)
        return callback

    def on_closed(self, callback: OnStream[Returned]) -> OnStream[Returned]:
        """Call ``callback(stream)`` once a stream, at its end, whatever its reason."""
        self._closed = _callable(callback)
        return callback


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
        self._out_of_order = (_callable(callback), self._out_of_order[SERVER])
        return callback

    def on_server_out_of_order(
        self, callback: OnOutOfOrder[Returned]
    ) -> OnOutOfOrder[Returned]:
        """Call ``callback(stream, seq, payload)`` for server segments that wait."""
        self._out_of_order = (self._out_of_order[CLIENT], _callable(callback))
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


def _names_captures(packets: Any) -> bool:
    """Return whether what is fed is no packets, but where they are."""
    if isinstance(packets, (list, tuple)) and packets:
        packets = packets[0]
    return isinstance(packets, (str, PathLike))


def _callable(callback: Any) -> Callback:
    if not callable(callback):
        raise wrong("callback", callback, "a function")
    function: Callback = callback
    return function


class StreamFollower(Callbacks):
    """Follows the streams of the packets it is fed.

    Args:
        policy: The choices about reassembly.
        data_callback: ``data_callback(stream)`` is called when the payload of either
            side has grown. Payloads are then cumulative, as in cycapture.
        end_callback: ``end_callback(stream)`` is called when a stream has ended.
        log: ``log(text)`` is called with a line for each step of a connection.
        link_type: The link type of packets that are ``bytes``; None means Ethernet.
        bpf: A filter on frames, as for ``unpacket.events``.

    Attributes:
        assembler: What makes the events, with its counters.
        ignored_packets: How many items were not packets.

    Raises:
        BpfError: ``bpf`` is not a filter. It is a ``ValueError``.
        TypeError: A callback is not callable.
    """

    @names_options
    def __init__(
        self,
        data_callback: OnStream[object] | None = None,
        end_callback: OnStream[object] | None = None,
        *,
        policy: Policy | None = None,
        log: Callable[[str], object] | None = None,
        link_type: int | str | None = None,
        bpf: BpfLike | None = None,
    ) -> None:
        for callback in (data_callback, end_callback):
            if callback is not None and not callable(callback):
                raise TypeError(
                    "data_callback and end_callback must be callables, and one is "
                    f"{callback!r:.60}"
                )
        if log is not None and not callable(log):
            raise wrong("log", log, "a function")
        self.assembler = Assembler(policy, notes=True, owner_bytes=FOLLOWED_BYTES)
        self.link_type = link_type
        self._bpf: Bpf | None = None
        if bpf is not None:
            from unpacket.sources.bpf.filter import Bpf

            self._bpf = Bpf(bpf)
        self.auto_cleanup_payloads = data_callback is None
        self.ignored_packets = 0
        self._any_data = data_callback
        self._end = end_callback
        self._log = log
        self._new: Callback | None = None
        self._terminated: Callback | None = None
        self._teardown: Callback | None = None
        self._waiting = Waiting()
        # The same mapping, of what it has here.
        self._live: dict[Stream, FollowedStream] = self._waiting.receivers  # type: ignore[assignment]
        self._batch: Batch | None = None
        self._check = LinkTypeCheck()
        self._source: sources.Source | None = None
        self._attending: Attending | None = None
        self._next_number = 1
        self._busy = False

    @property
    def _data_callbacks(self) -> Waiting:
        return self._waiting

    def on_new_stream(self, callback: OnStream[Returned]) -> OnStream[Returned]:
        """Call ``callback(stream)`` for each new stream, before its first byte."""
        self._new = _callable(callback)
        return callback

    def on_stream_termination(
        self, callback: OnTermination[Returned]
    ) -> OnTermination[Returned]:
        """Call ``callback(stream, reason)`` where a limit or time ended a stream.

        Reasons: ``timeout``, ``buffer_limit``, ``memory_limit``, ``reused``. The
        closed callback comes first, as for every end.
        """
        self._terminated = _callable(callback)
        return callback

    def on_teardown(self, callback: OnStream[Returned]) -> OnStream[Returned]:
        """Call ``callback(stream)`` when both FINs, or an RST, have ended a stream."""
        self._teardown = _callable(callback)
        return callback

    def on_events(self, callback: OnEvents[Returned]) -> OnEvents[Returned]:
        """Call ``callback(events)`` with each list of events, as an assembler makes it.

        That is before the callbacks that they cause. All that were given are called.
        """
        self._waiting.watchers.append(_callable(callback))
        return callback

    @names_options
    def feed(self, packets: Capture | Batch | None, *, merge: bool = False) -> None:
        """Take packets, and call the callbacks for what happens.

        ``packets`` is a path, a list of paths (which are one capture, in the order of
        time), a ``Batch``, one packet, or any iterable of packets (``bytes``,
        ``(time, bytes)``, scapy and dpkt packets); other items are counted in
        ``ignored_packets``. None means no packets. An exception in a callback ends
        the call; the next call continues with the event after it, and with the
        packets that were left.

        Args:
            merge: Whether to merge the packets of several captures in the order of
                time; see ``unpacket.sources.open``.

        Raises:
            RuntimeError: Called from a callback.
        """
        if self._busy:
            raise RuntimeError("feed() was called from a callback of the same follower")
        self._busy = True
        try:
            self._work_off()
            if packets is None:
                return
            if isinstance(packets, Batch):
                self._take_marked(packets)
                return
            batch = self._single(packets)
            if batch is not None:
                self._take_marked(batch)
                if not self._check.done:
                    self._check.look(self.assembler, batch)
                return
            self._source = sources.open(
                packets,
                merge=merge,
                link_type=self.link_type,
                first_number=self._next_number,
                batch_frames=2048 if _names_captures(packets) else 1,
                bpf=self._bpf,
            )
            live = self._source.live
            self._attending = None if live is None else Attending(live, self.assembler)
            self._work_off()
        finally:
            self._busy = False

    def _take_marked(self, batch: Batch) -> None:
        if self._bpf is not None:
            self._bpf.mark(batch)
        self._take_batch(batch)

    def _single(self, packets: object) -> Batch | None:
        """Return a batch of one packet, if that is what was given."""
        packet = packet_of(packets, link_type_number(self.link_type))
        if packet is None:
            return None
        time_ns, data, link_type, original, interface = packet
        row = (time_ns or 0, data, link_type, original, interface)
        return Batch.from_frames((row,), self._next_number)

    def _work_off(self) -> None:
        """Do what is left to do, of packets that an earlier call was given too."""
        self._work()
        while self._source is not None:
            try:
                batch = next(self._source, None)
            except BaseException:
                self._leave_source()
                raise
            if batch is None:
                self._leave_source()
            else:
                self._take_batch(batch)
                if not self._check.done and isinstance(self._source, ObjectSource):
                    self._check.look(self.assembler, batch)

    def _leave_source(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            self.ignored_packets += getattr(source, "ignored", 0)
            source.close()

    def _take_batch(self, batch: Batch) -> None:
        if self._attending is not None and not batch.count:
            passed = self._attending.passed()
            self._waiting.add(self._waiting.watched(passed))
            self._dispatch(None)
            return
        if self._attending is not None:
            self._attending.look_again()
        self._batch = batch
        self._next_number = batch.first_number + len(batch)
        self.assembler.begin(batch)
        self._work()

    def _work(self) -> None:
        """Dispatch what waits, and work the batch at hand off."""
        if self._batch is None:
            self._dispatch(None)
        else:
            self._dispatch(self.assembler)
            self._batch = None

    def _insert(self, happened: list[Any]) -> None:
        """Put events before those that wait: a callback has just caused them."""
        self._waiting.insert(self._waiting.watched(happened))
        if not self._busy:
            self._busy = True
            try:
                self._dispatch(None)
            finally:
                self._busy = False

    def _dispatch(self, assembler: Assembler | None) -> None:
        """Call back for what waits, and for what an assembler's batch still causes."""
        while (event := self._waiting.next(assembler)) is not None:
            kind = type(event)
            if kind is Data:
                self._on_data(event)
            elif kind is Opened:
                self._on_opened(event)
            elif kind is Note:
                self._on_note(event)
            elif kind is Closed:
                self._on_closed(event)
            elif kind is tuple:
                callback, *arguments = event
                callback(*arguments)
            else:
                self._on_other(event, kind)

    def _on_data(self, event: Data) -> None:
        stream = self._live.get(event.stream)
        if stream is None:
            return
        direction: int = event.direction
        if stream._ignored[direction]:
            return
        if not stream.auto_cleanup_payloads:
            stream._take(direction, event.payload)
        if direction == SERVER:
            callback = stream.server_callback or self._waiting.server_callback
        else:
            callback = stream.client_callback or self._waiting.client_callback
        if self._any_data is not None:
            self._waiting.insert([(self._hand_over, event, self._any_data, stream)])
        if callback is not None:
            self._hand_over(event, callback, stream, event.payload)

    def _hand_over(self, event: Data, callback: Callback, *arguments: Any) -> None:
        """Call back, and let the stream's payload be that of the event meanwhile."""
        self._waiting.current = event
        try:
            callback(*arguments)
        finally:
            self._waiting.current = None

    def _on_opened(self, event: Opened) -> None:
        if self._attending is not None:
            self._attending.begin(event.stream)
        elif self._source is not None and self._source.notes.owners:
            recall(self._source.notes, [event])
        stream = FollowedStream(self, event.stream, self._hw_addresses_of(event))
        self._live[event.stream] = stream
        if self._log is not None:
            self._say(stream, "New connection initiated")
        if self._new is not None:
            self._new(stream)

    def _hw_addresses_of(self, event: Opened) -> bytes | None:
        """Return the Ethernet addresses of client and server, if there are any."""
        batch = self._batch
        if batch is None or event.frame < batch.first_number:
            return None
        octets = hw_addresses(batch, event.frame - batch.first_number)
        if octets is None:
            return None
        if event.stream.packets(CLIENT) > 0:
            return octets[6:] + octets[:6]
        return octets

    def _on_note(self, event: Note) -> None:
        if event.kind != "out_of_order":
            return
        stream = self._live.get(event.stream)
        if stream is None or stream._ignored[event.direction]:
            return
        callback = stream._out_of_order[event.direction]
        if event.offset <= stream._recovery[event.direction]:
            self._waiting.insert([(stream.skip_to, event.direction, event.offset)])
        if callback is not None:
            callback(stream, event.seq, event.payload)

    def _on_closed(self, event: Closed) -> None:
        stream: FollowedStream | None = self._waiting.leave(event.stream)
        if stream is None:
            return
        stream.is_finished = True
        if self._log is not None:
            self._say(stream, f"Connection closed: {event.reason}")
        calls: list[tuple[Any, ...]] = []
        for callback in (stream._closed, self._closed, self._end):
            if callback is not None:
                calls.append((callback, stream))
        if event.reason in ("fin", "rst"):
            if self._teardown is not None:
                calls.append((self._teardown, stream))
        elif event.reason in TERMINATIONS and self._terminated is not None:
            calls.append((self._terminated, stream, event.reason))
        # Each waits by itself: an exception of one does not cost the next.
        if calls:
            self._waiting.insert(calls)

    def _on_other(self, event: Any, kind: type) -> None:
        stream = self._live.get(event.stream)
        if stream is None:
            return
        if kind is Gap:
            callback, argument = stream._gap or self._gap, event
        elif kind is Conflict:
            callback, argument = stream._conflict or self._conflict, event
        elif kind is Rejected:
            callback, argument = stream._rejected or self._rejected, event
        elif kind is Finished:
            callback, argument = stream._finished or self._finished, event.direction
            if self._log is not None:
                self._say(stream, f"{event.direction} finished")
        else:
            return
        if callback is not None:
            callback(stream, argument)

    def _say(self, stream: FollowedStream, text: str) -> None:
        if self._log is not None:
            self._log(f"{stream.client} > {stream.server}: {text}")

    def __repr__(self) -> str:
        packets = self.assembler.packets
        return f"<StreamFollower of {len(self._live)} live streams, {packets} segments>"

    def live_streams(self) -> list[FollowedStream]:
        """Return the streams that have not ended, in the order of ids."""
        return sorted(self._live.values(), key=attrgetter("id"))

    def stale_streams(
        self, timeout_s: float = _IDLE_S, now_ns: int | None = None
    ) -> list[FollowedStream]:
        """Return the live streams that were quiet for ``timeout_s`` of capture time."""
        now = self.assembler.now_ns if now_ns is None else now_ns
        if now is None:
            return []
        bound = now - round(timeout_s * 1e9)
        return [item for item in self.live_streams() if item.last_activity_ns < bound]

    def remove(self, stream: FollowedStream) -> None:
        """End a stream, with reason ``user``."""
        stream.close()

    def find_stream(
        self, address: str, port: int, other_address: str, other_port: int
    ) -> FollowedStream | None:
        """Return the live stream between two ends, named either way round, or None."""
        found = self.assembler.find_stream(address, port, other_address, other_port)
        return None if found is None else self._live.get(found)

    def advance(self, now_ns: int) -> None:
        """Let time pass without packets."""
        self._insert(self.assembler.advance(now_ns))

    def finish(self) -> None:
        """The capture has ended: close open streams, and call their callbacks.

        Packets that were left after an exception in a callback are not read any more.
        """
        if self._busy:
            raise RuntimeError("finish() was called from a callback of the follower")
        self._busy = True
        try:
            self._work()
            self._leave_source()
            self._check.end()
            self._waiting.add(self._waiting.watched(self.assembler.finish()))
            self._dispatch(None)
        finally:
            self._busy = False

    def __enter__(self) -> StreamFollower:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.finish()
