"""Whose process an end of a stream is: what is known of it, and how."""

from __future__ import annotations

from typing import Any, NamedTuple

# How owners are known: who connected, who has the socket, who has the listener.
TRACE_EVENT = "trace_event"
SOCKET = "socket"
LISTENER = "listener"


class Process(NamedTuple):
    """A process of this machine.

    Attributes:
        pid: Its number.
        name: As the kernel has it: 15 characters at most.
        command: Its command line, words joined by spaces; "" where it was gone before
            that could be read.
        user: The name of its user, or the number of one without.
        unit: The unit of systemd or the container that it runs in, or "".
    """

    pid: int
    name: str
    command: str
    user: str
    unit: str


class Owners:
    """The processes that have an end of a stream open.

    Attributes:
        processes: Several where they share a socket, as those do that one listener
            forked; none where the end is not of this machine, or nobody was found.
        source: How they are known; "" as long as they are not.
    """

    __slots__ = ("processes", "source")

    def __init__(self, processes: tuple[Process, ...] = (), source: str = "") -> None:
        self.processes = processes
        self.source = source

    @property
    def first(self) -> Process | None:
        """The first of them, or None."""
        return self.processes[0] if self.processes else None

    @property
    def names(self) -> str | None:
        """The names of all, each once, joined by commas; None if there is none."""
        return ",".join(dict.fromkeys(one.name for one in self.processes)) or None

    @property
    def shown(self) -> str:
        """All of them for a terminal, such as ``curl[123]``; "" if there is none.

        A program may call itself as it likes: what would not print is left out.
        """
        return ",".join(
            f"{''.join(filter(str.isprintable, one.name))}[{one.pid}]"
            for one in self.processes
        )


def shown(stream: Any) -> str:
    """Return whose ends a stream has, as client and server, or "" if nobody knows."""
    owners = None if stream.live is None else stream.live.owners
    if owners is None or not any(one.processes for one in owners):
        return ""
    return " > ".join(one.shown or "?" for one in owners)
