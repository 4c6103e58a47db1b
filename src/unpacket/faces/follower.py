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
from typing import TYPE_CHECKING, Any

from unpacket import sources
from unpacket._core.memory.batch import Batch
from unpacket._core.reassembly.assembler import Assembler
from unpacket._core.reassembly.direction import CLIENT, SERVER
from unpacket._core.reassembly.events import (
    Closed,
    Conflict,
    Data,
    Finished,
    Gap,
    Note,
    Opened,
    Rejected,
)
from unpacket._core.reassembly.stream import Stream
from unpacket._options import names_options, wrong
from unpacket.faces.attending import Attending, recall
from unpacket.faces.callback_queue import Waiting, hw_addresses
from unpacket.faces.callbacks import (
    Callback,
    Callbacks,
    OnEvents,
    OnStream,
    OnTermination,
    Returned,
    checked,
)
from unpacket.faces.followed import FollowedStream
from unpacket.faces.link_type_check import LinkTypeCheck
from unpacket.policy import Policy
from unpacket.sources.link_types import link_type_number
from unpacket.sources.objects import ObjectSource
from unpacket.sources.packets import packet_of

if TYPE_CHECKING:
    from unpacket.sources.bpf.filter import Bpf, BpfLike
    from unpacket.sources.source import Capture

# How a stream ended that was not torn down by its own ends (libtins calls only these
# terminations).
TERMINATIONS = frozenset({"timeout", "buffer_limit", "memory_limit", "reused"})

# A FollowedStream with its attributes, and where it is found.
FOLLOWED_BYTES = 464

_IDLE_S = 300.0


def _names_captures(packets: Any) -> bool:
    """Return whether what is fed is no packets, but where they are."""
    if isinstance(packets, (list, tuple)) and packets:
        packets = packets[0]
    return isinstance(packets, (str, PathLike))


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
        self._new = checked(callback)
        return callback

    def on_stream_termination(
        self, callback: OnTermination[Returned]
    ) -> OnTermination[Returned]:
        """Call ``callback(stream, reason)`` where a limit or time ended a stream.

        Reasons: ``timeout``, ``buffer_limit``, ``memory_limit``, ``reused``. The
        closed callback comes first, as for every end.
        """
        self._terminated = checked(callback)
        return callback

    def on_teardown(self, callback: OnStream[Returned]) -> OnStream[Returned]:
        """Call ``callback(stream)`` when both FINs, or an RST, have ended a stream."""
        self._teardown = checked(callback)
        return callback

    def on_events(self, callback: OnEvents[Returned]) -> OnEvents[Returned]:
        """Call ``callback(events)`` with each list of events, as an assembler makes it.

        That is before the callbacks that they cause. All that were given are called.
        """
        self._waiting.watchers.append(checked(callback))
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
