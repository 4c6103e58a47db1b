"""A TCP relay that remembers every byte of its sockets on the recorded side.

    python relay.py accepted|connected FD HOST PORT [FD HOST PORT]... < pipe > json

What arrives at the listening descriptor FD goes on to HOST and PORT. One side of
each pair of connections goes over the wire that is recorded: those that were
accepted, or those that were made. The kernel of that connection took the bytes
noted here as sent and gave those noted as received, so they are what the
recording has to show. It runs until its standard input ends, so that it cannot
outlive the recorder, and until its connections have.
"""

import base64
import json
import socket
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

MOST_BYTES = 32 << 20
"""One direction of a connection longer than this ends it, and the recording."""

_PATIENCE_S = 30.0


@dataclass
class Pair:
    """A connection of the wire, and the one with the program beside the relay.

    Attributes:
        client: The client's address and port on the wire.
        received, sent: What the wire's connection gave and took.
        words: What went wrong, if anything.
    """

    client: tuple[str, int] = "", 0
    received: bytearray = field(default_factory=bytearray)
    sent: bytearray = field(default_factory=bytearray)
    words: str = ""

    def run(self, wire: socket.socket, program: socket.socket) -> None:
        """Carry bytes both ways until both sides have said all."""
        # A program's small writes go out as they come, as without a relay.
        for end in (wire, program):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=self._from_program, args=(wire, program))
        back.start()
        self._from_wire(wire, program)
        back.join()
        wire.close()
        program.close()

    def _from_wire(self, wire: socket.socket, program: socket.socket) -> None:
        """Take all that comes, even when the program wants no more of it."""
        wanted = True
        try:
            while (chunk := wire.recv(65536)) and self._fits(self.received):
                self.received += chunk
                if wanted:
                    try:
                        program.sendall(chunk)
                    except ConnectionError:
                        wanted = False
            _shut(program, socket.SHUT_WR)
        except ConnectionError:
            # It was reset: the program has nobody to talk to any more.
            _shut(program, socket.SHUT_RDWR)

    def _from_program(self, wire: socket.socket, program: socket.socket) -> None:
        with suppress(ConnectionError):
            while (chunk := program.recv(65536)) and self._fits(self.sent):
                at = 0
                while at < len(chunk):
                    count = wire.send(chunk[at:])
                    self.sent += chunk[at : at + count]
                    at += count
        _shut(wire, socket.SHUT_WR)

    def _fits(self, log: bytearray) -> bool:
        if len(log) > MOST_BYTES:
            self.words = f"more than {MOST_BYTES} bytes"
        return not self.words


def _shut(end: socket.socket, how: int) -> None:
    with suppress(OSError):  # it is closed already
        end.shutdown(how)


class Relay:
    """All pairs of connections, and the threads that serve them."""

    def __init__(self, *, accepted_is_wire: bool) -> None:
        self.pairs: list[Pair] = []
        self._accepted_is_wire = accepted_is_wire
        self._threads: list[threading.Thread] = []

    def listen(self, listener: socket.socket, target: tuple[str, int]) -> None:
        """Relay what arrives at ``listener``, until that is shut down."""
        with suppress(OSError):
            while True:
                accepted, address = listener.accept()
                pair = Pair(address[:2])
                self.pairs.append(pair)
                arguments = pair, accepted, target
                thread = threading.Thread(target=self._serve, args=arguments)
                thread.daemon = True
                self._threads.append(thread)
                thread.start()

    def _serve(
        self, pair: Pair, accepted: socket.socket, target: tuple[str, int]
    ) -> None:
        try:
            made = socket.create_connection(target, timeout=_PATIENCE_S)
        except OSError as error:
            pair.words = f"no connection to {target}: {error}"
            accepted.close()
            return
        made.settimeout(None)
        if self._accepted_is_wire:
            pair.run(accepted, made)
        else:
            pair.client = made.getsockname()[:2]
            pair.run(made, accepted)

    def report(self) -> list[dict[str, Any]]:
        """Wait for the connections to end, and return what each carried.

        Raises:
            SystemExit: One did not end, was too long or could not be made.
        """
        for thread in self._threads:
            thread.join(_PATIENCE_S)
        if any(thread.is_alive() for thread in self._threads):
            sys.exit("a connection did not end")
        if words := {pair.words for pair in self.pairs if pair.words}:
            sys.exit(", ".join(sorted(words)))
        report = []
        for pair in self.pairs:
            said = [
                base64.b64encode(log).decode() for log in (pair.received, pair.sent)
            ]
            if not self._accepted_is_wire:
                said.reverse()
            report.append(
                {"client": pair.client, "client_sent": said[0], "server_sent": said[1]}
            )
        return report


def main() -> None:
    """Relay, then print the connections as JSON, their bytes in base 64."""
    side, *rest = sys.argv[1:]
    relay = Relay(accepted_is_wire=side == "accepted")
    listeners = []
    for fd, host, port in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        listener = socket.socket(fileno=int(fd))
        listeners.append(listener)
        arguments = listener, (host, int(port))
        threading.Thread(target=relay.listen, args=arguments, daemon=True).start()
    sys.stdin.buffer.read()
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
    json.dump(relay.report(), sys.stdout)


if __name__ == "__main__":
    main()
