"""An inspector that lets through what goes to certain hosts, and nothing else.

The name is the one that the client says in the clear: the server name of a TLS
ClientHello (RFC 6066 section 3), or the host of each HTTP request. A client that lies
is not found out; a client that says nothing is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from unpacket._core.reassembly.direction import Direction
from unpacket._core.reassembly.events import Data, Finished
from unpacket._core.reassembly.stream import Stream
from unpacket.inline.http_walk import HttpWalk
from unpacket.inline.verdicts import ACCEPT, RESET, Answer, Arrival, Hold, Verdict
from unpacket.messages.http.head import Request
from unpacket.tls.handshake import ClientHello

TLS_HANDSHAKE, CLIENT_HELLO = 22, 1
# A ClientHello is rarely more than 2 KiB; post-quantum keys are in that.
MAX_HELLO_BYTES = 1 << 16
HOLD_S = 5.0


@dataclass(slots=True)
class Client:
    """What a client has said so far.

    Attributes:
        allowed: Whether nothing more is looked at.
        covered: How many pending bytes were looked at.
    """

    allowed: bool = False
    covered: int = 0
    walk: HttpWalk = field(default_factory=HttpWalk)
    tunnels: bool = False
    begun: bool = False


class AllowHosts:
    """Lets streams through whose client names a host of a list.

    Args:
        hosts: Names; ``*.example.org`` stands for all below it, and not for itself.
        verdict: For all others: RESET, or DROP.

    Attributes:
        refused: The names that were refused, with how often; empty for none.
    """

    replaces = False

    def __init__(self, *hosts: str, verdict: Verdict = RESET) -> None:
        if not hosts:
            raise ValueError("no host is given")
        self.refused: dict[str, int] = {}
        self._hosts = {host.lower().rstrip(".") for host in hosts}
        self._verdict = verdict
        self._clients: dict[Stream, Client] = {}

    def ended(self, stream: Stream) -> None:
        """Forget a stream."""
        self._clients.pop(stream, None)

    def inspect(self, arrival: Arrival) -> Answer:
        """Return the verdict on what a client says."""
        if arrival.direction is not Direction.CLIENT or not arrival.pending:
            return ACCEPT
        client = self._clients.setdefault(arrival.stream, Client())
        if client.allowed:
            return ACCEPT
        pending = arrival.pending
        if not client.begun and pending[0] == TLS_HANDSHAKE:
            return self._hello(client, pending)
        new = sum(len(e.payload) for e in arrival.events if isinstance(e, Data))
        if len(pending) == new:
            client.covered = 0
        client.begun = True
        ended = any(isinstance(event, Finished) for event in arrival.events)
        return self._requests(client, pending, ended)

    def _hello(self, client: Client, pending: bytes) -> Answer:
        name = server_name(pending)
        if name is None and len(pending) < MAX_HELLO_BYTES:
            return self._hold()
        if not self._is_allowed(name or ""):
            return self._verdict
        client.allowed = True
        return ACCEPT

    def _requests(self, client: Client, pending: bytes, ended: bool) -> Answer:
        data = pending[client.covered :]
        at = 0
        for span in client.walk.take(Direction.CLIENT, data, ended):
            at += len(span.data)
            item = span.item
            if span.kind == "head" and isinstance(item, Request):
                client.tunnels = bool(item.upgrades) or item.method == "CONNECT"
                if not self._is_allowed(host_of(item)):
                    return self._verdict
            elif span.kind == "other":
                if not client.tunnels:
                    self._is_allowed("")
                    return self._verdict
                client.allowed = True
                return ACCEPT
        client.covered += at
        if at < len(data):
            return self._hold()
        client.covered = 0
        return ACCEPT

    def _hold(self) -> Hold:
        return Hold(max_bytes=MAX_HELLO_BYTES, seconds=HOLD_S, then=self._verdict)

    def _is_allowed(self, name: str) -> bool:
        """Return whether a name is on the list; count it where it is not."""
        name = name.lower().rstrip(".")
        parts = name.split(".")
        above = {"*." + ".".join(parts[n:]) for n in range(1, len(parts))}
        if name and (name in self._hosts or above & self._hosts):
            return True
        if len(self.refused) < 10_000 or name in self.refused:
            self.refused[name] = self.refused.get(name, 0) + 1
        return False


def host_of(request: Request) -> str:
    """Return the host of a request, without its port.

    One that is in the target wins (RFC 9112 section 3.2.2); of several Host fields
    none is the host.
    """
    host = request.header("host") or ""
    target = request.target
    if request.method == "CONNECT":
        host = target
    elif "://" in target:
        host = target.partition("://")[2].partition("/")[0].rpartition("@")[2]
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def server_name(data: bytes) -> str | None:
    """Return the server name of a ClientHello; empty for none, None: more must come.

    Args:
        data: What a client sent first, TLS records.
    """
    handshake = b""
    at = 0
    while at + 5 <= len(data) and data[at] == TLS_HANDSHAKE:
        length = int.from_bytes(data[at + 3 : at + 5], "big")
        handshake += data[at + 5 : at + 5 + length]
        at += 5 + length
    if len(handshake) < 4:
        return None if at + 5 > len(data) else ""
    if handshake[0] != CLIENT_HELLO:
        return ""
    size = int.from_bytes(handshake[1:4], "big")
    if len(handshake) < 4 + size:
        # Where something else follows, it will never be whole.
        return None if at >= len(data) or data[at] == TLS_HANDSHAKE else ""
    return ClientHello(CLIENT_HELLO, handshake[4 : 4 + size]).server_name or ""
