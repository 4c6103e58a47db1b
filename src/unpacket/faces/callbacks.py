"""The callbacks that a stream and its follower have alike, and their types."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from unpacket._core.reassembly.direction import Direction
from unpacket._core.reassembly.events import Conflict, Event, Gap, Rejected
from unpacket._options import wrong
from unpacket.faces.callback_queue import Receiver, Waiting

if TYPE_CHECKING:
    from unpacket.faces.followed import FollowedStream

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
        self._data_callbacks.client_callback = checked(callback)
        return callback

    def on_server_data(self, callback: OnData[Returned]) -> OnData[Returned]:
        """Call ``callback(stream, payload)`` for what the server sends."""
        self._data_callbacks.server_callback = checked(callback)
        return callback

    def on_gap(self, callback: OnGap[Returned]) -> OnGap[Returned]:
        """Call ``callback(stream, gap)``, before the data that follows the gap."""
        self._gap = checked(callback)
        return callback

    def on_conflict(self, callback: OnConflict[Returned]) -> OnConflict[Returned]:
        """Call ``callback(stream, conflict)`` where two segments disagree."""
        self._conflict = checked(callback)
        return callback

    def on_rejected(self, callback: OnRejected[Returned]) -> OnRejected[Returned]:
        """Call ``callback(stream, rejected)`` for segments no receiver would take."""
        self._rejected = checked(callback)
        return callback

    def on_finished(self, callback: OnFinished[Returned]) -> OnFinished[Returned]:
        """Call ``callback(stream, direction)`` when a side has sent its last byte."""
        self._finished = checked(callback)
        return callback

    def on_closed(self, callback: OnStream[Returned]) -> OnStream[Returned]:
        """Call ``callback(stream)`` once a stream, at its end, whatever its reason."""
        self._closed = checked(callback)
        return callback


def checked(callback: Any) -> Callback:
    if not callable(callback):
        raise wrong("callback", callback, "a function")
    function: Callback = callback
    return function
