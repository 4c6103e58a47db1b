"""Callbacks of another shape are found: each marked line, and no other."""

from unpacket import FollowedStream, Gap, Puller, StreamFollower

follower = StreamFollower()


def one(stream: FollowedStream) -> None:
    """Take a stream."""


def text(stream: FollowedStream, payload: str) -> None:
    """Take text, which nobody gives."""


def hole(stream: FollowedStream, gap: Gap) -> None:
    """Take a gap."""


follower.on_new_stream(one)
follower.on_client_data(one)  # wrong
follower.on_client_data(text)  # wrong
follower.on_server_data(hole)  # wrong
follower.on_gap(hole)
follower.on_conflict(hole)  # wrong
follower.on_closed(hole)  # wrong
follower.on_gap(None)  # wrong
StreamFollower(one, one)
StreamFollower(text)  # wrong
StreamFollower(log=one)  # wrong
Puller(one)  # wrong
follower.feed(3)  # wrong


@follower.on_finished  # wrong
def finished(stream: FollowedStream, direction: str) -> None:
    """Take the end of a side, by another type."""
