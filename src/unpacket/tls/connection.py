"""One TLS connection: what its handshake says, and which keys each side has when.

The handshake is followed as far as it says that: versions, suites, randoms, the ends of
epochs. Whatever of it is missing is made up for by trial where that is possible, since
a record that opens proves which keys it has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from unpacket._core.reassembly.direction import Direction
from unpacket.tls.early import EarlyData
from unpacket.tls.epoch import Epoch, epochs_13, likely_suites
from unpacket.tls.half import Half
from unpacket.tls.handshake import (
    ClientHello,
    Cursor,
    ServerHello,
    alpn_names,
    extension_list,
)
from unpacket.tls.key_log import KeyLog
from unpacket.tls.keys_12 import CLIENT_KEY_EXCHANGE, Keys12, Sessions
from unpacket.tls.names import (
    ALPN,
    CHANGE_CIPHER_SPEC,
    CLIENT_HELLO,
    HANDSHAKE,
    SERVER_HELLO,
    cipher_name,
    version_name,
)
from unpacket.tls.schedule import TLS_1_0, TLS_1_3
from unpacket.tls.suites import Suite, suite_of

if TYPE_CHECKING:
    from unpacket import Stream

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER

NEW_SESSION_TICKET, END_OF_EARLY_DATA, ENCRYPTED_EXTENSIONS = 4, 5, 8
FINISHED, KEY_UPDATE = 20, 24

EARLY_DATA = 42

NOT_CAPTURED = "its handshake was not captured"


class Connection:
    """Both sides of a connection.

    Attributes:
        emit: Takes each event of what the connection carries.
        decided: Whether a record was opened: then the connection is what it seems.
        stopped: Whether nothing more is read, for ``reason``.
        lacks_keys: Whether that is since no secret is known.
        random: The client random; empty as long as no client hello was seen.
        server_hello: The server's choice, or that it wants another client hello.
        alpn: The application protocol that was agreed on, or None.

    Args:
        starts: Where TLS begins in what client and server of the stream sent.
    """

    __slots__ = (
        "_hello",
        "_keys_12",
        "_roles",
        "_sessions",
        "_suite",
        "_version",
        "alpn",
        "decided",
        "early",
        "emit",
        "halves",
        "lacks_keys",
        "log",
        "random",
        "reason",
        "server_hello",
        "stopped",
        "stream",
    )

    def __init__(
        self,
        stream: Stream,
        starts: tuple[int, int],
        log: KeyLog,
        sessions: Sessions,
        emit: Callable[[Any], None],
    ) -> None:
        self.stream = stream
        self.log = log
        self.emit = emit
        self.halves = (Half(self, CLIENT, starts[0]), Half(self, SERVER, starts[1]))
        self.decided = False
        self.stopped = False
        self.lacks_keys = False
        self.reason = ""
        self.random = b""
        self.alpn: str | None = None
        self.server_hello: ServerHello | None = None
        self.early = EarlyData()
        self._hello: ClientHello | None = None
        self._version = 0
        self._suite: Suite | None = None
        self._sessions = sessions
        self._keys_12 = Keys12(log, sessions, None)
        # Who speaks as client and as server of TLS, as directions of the stream.
        self._roles = (CLIENT, SERVER)

    # What halves ask.

    def peer(self, half: Half) -> Half:
        """Return the other half."""
        return self.halves[1 if half.direction is CLIENT else 0]

    def base(self, half: Half) -> int | None:
        """Return the sequence number of offset 0 of a half, or None."""
        offset = self.stream.offset_of(half.direction, 0)
        return None if offset is None else -offset & 0xFFFFFFFF

    def is_client(self, half: Half) -> bool:
        """Return whether a half is of the client of TLS."""
        return half.direction is self._roles[0]

    def stop(self, reason: str, *, lacks_keys: bool = False) -> None:
        """Read no more, unless something was opened already."""
        if not self.decided:
            self.stopped = True
            self.reason = reason
            self.lacks_keys = lacks_keys

    def opened(self, epoch: Epoch) -> None:
        """A record was opened, and nothing was decided before.

        One of the handshake decides nothing: the secrets of what follows may be logged
        later than its own.
        """
        self.decided = epoch.carries
        if self._suite is None and epoch.suite is not None:
            # Nobody saw the server choose.
            self._suite = epoch.suite
            self._version = TLS_1_3
            for half in self.halves:
                self.expect_13(half)

    def lacks_epoch(self, half: Half) -> bool:
        """Return whether a record may be of an epoch whose secret is not known."""
        if half.epoch is None or half.epoch.carries:
            return False
        if any(epoch.carries for epoch in half.changes):
            return False
        if self.decided:
            # The peer's was known.
            self.log.poll()
            self.expect_13(half)
            return False
        self.lack()
        return True

    def misread(self) -> bool:
        """There is no record where one has to be; return whether to look for one."""
        self.stop("it is not TLS")
        return self.decided

    def lost(self, half: Half) -> None:
        """Bytes of a half are missing."""
        if half.epoch is None and not self.random:
            self.stop(NOT_CAPTURED)

    def clear(self, half: Half, kind: int, fragment: bytes) -> None:
        """Take a record that is in the clear."""
        if kind == CHANGE_CIPHER_SPEC:
            if self._version and self._version != TLS_1_3:
                self.change_12(half)
        elif kind == HANDSHAKE:
            for message, data in half.messages.feed(fragment):
                if not self.stopped:
                    self.message(half, message, data)

    def secret(self, half: Half, kind: int, text: bytes) -> None:
        """Take what a record carried that is no application data."""
        if kind == CHANGE_CIPHER_SPEC:
            self.change_12(half)
        elif kind == HANDSHAKE:
            for message, data in half.messages.feed(text):
                if self._version == TLS_1_3:
                    self.message_13(half, message, data)
                else:
                    self.message(half, message, data)

    def changed(self, half: Half, before: Epoch | None, now: Epoch) -> None:
        """A half goes on with other keys."""
        if before is not None and before.is_early and not now.is_early:
            # Who was refused goes on at once (RFC 8446 section 4.2.10).
            self.early.settle(bool(half.losses))

    def expect_change(self, half: Half) -> bool:
        """Return whether it is known which keys may open the next record.

        It is encrypted, and nothing said so.
        """
        if half.changes:
            return True
        if self.decided:
            return half.epoch is not None
        if self._version and self._version != TLS_1_3:
            self.change_12(half)
            return not self.stopped
        if self._suite is None and self._hello is not None:
            secrets = self.log.of(self.random)
            for suite in likely_suites(secrets, self._hello.ciphers):
                half.changes += self.epochs_of(half, suite)
            if half.changes:
                return True
        self.lack()
        return False

    def lack(self) -> None:
        """Stop for want of a secret, or of a handshake that would say whose."""
        if not self.random:
            self.stop(NOT_CAPTURED)
        elif self.server_hello is None and self.log.of(self.random):
            self.stop("its server hello was not captured")
        else:
            random = self.random.hex()
            self.stop(f"no secret for its client random {random}", lacks_keys=True)

    # The handshake.

    def message(self, half: Half, kind: int, data: bytes) -> None:
        """Take a handshake message, of TLS 1.2 or in the clear."""
        if kind == CLIENT_HELLO:
            self.take_client_hello(half, ClientHello(kind, data))
        elif kind == SERVER_HELLO:
            self.take_server_hello(half, ServerHello(kind, data))
        self._keys_12.note(self.is_client(half), kind, data)
        if kind == CLIENT_KEY_EXCHANGE:
            self.expect_12()
        elif kind == NEW_SESSION_TICKET:
            cursor = Cursor(data)
            cursor.number(4)
            self._keys_12.take_ticket(cursor.vector(2))

    def take_client_hello(self, half: Half, hello: ClientHello) -> None:
        """A client begins, or begins anew."""
        if not hello.whole:
            self.stop("its client hello cannot be read")
            return
        again = self.server_hello is not None and self.server_hello.is_retry
        self._hello = hello
        self.random = hello.random
        self._roles = (half.direction, half.direction.other)
        if not again:
            self.server_hello = None
            self._keys_12 = Keys12(self.log, self._sessions, hello)

    def take_server_hello(self, half: Half, hello: ServerHello) -> None:
        """A server chooses."""
        if not hello.whole:
            self.stop("its server hello cannot be read")
            return
        self._roles = (half.direction.other, half.direction)
        self.server_hello = hello
        self._version = hello.version
        if hello.is_retry:
            self.early.settle(False)
        elif not TLS_1_0 <= hello.version <= TLS_1_3:
            self.stop(f"{version_name(hello.version)} is not supported")
        elif hello.compression:
            self.stop("its records are compressed")
        else:
            self._suite = suite_of(hello.cipher)
            if self._suite is None:
                name = cipher_name(hello.cipher)
                self.stop(f"the cipher suite {name} is not supported")
            elif hello.version == TLS_1_3:
                for one in self.halves:
                    self.expect_13(one)
            else:
                if hello.alpn:
                    self.alpn = hello.alpn[0]
                self.expect_12()

    def message_13(self, half: Half, kind: int, data: bytes) -> None:
        """Take an encrypted handshake message of TLS 1.3."""
        epoch = half.epoch
        if epoch is None:
            return
        if kind == ENCRYPTED_EXTENSIONS:
            found = dict(extension_list(Cursor(data)))
            self.early.settle(EARLY_DATA in found)
            names = alpn_names(found.get(ALPN))
            self.alpn = names[0] if names else None
        elif kind == END_OF_EARLY_DATA and epoch.is_early:
            self.early.settle(True)
            half.advance()
        elif (kind == FINISHED and not epoch.carries) or (
            kind == KEY_UPDATE and epoch.following is not None
        ):
            half.advance()

    # Keys.

    def expect_13(self, half: Half) -> None:
        """From here on a half may go on with any of the keys of TLS 1.3."""
        epoch = half.epoch
        if epoch is None or epoch.is_early or not epoch.carries:
            assert self._suite is not None
            found = self.epochs_of(half, self._suite)
            if epoch is not None and not epoch.carries:
                found = [one for one in found if one.carries and not one.is_early]
            half.changes = found

    def epochs_of(self, half: Half, suite: Suite) -> list[Epoch]:
        """Return the epochs that a half may go on with, if that is the suite."""
        hello = self._hello
        offers = hello is not None and hello.extension(EARLY_DATA) is not None
        return epochs_13(
            self.log.of(self.random),
            suite,
            is_client=self.is_client(half),
            may_be_early=offers and half.epoch is None,
        )

    def expect_12(self) -> None:
        """Look for the keys that come behind the next change of ciphers."""
        answer = self.server_hello
        if answer is None or self._suite is None or self._version == TLS_1_3:
            return
        found = self._keys_12.epochs(answer, self._suite)
        if found is not None:
            for direction, epoch in zip(self._roles, found, strict=True):
                self.halves[direction].changes = [epoch]

    def change_12(self, half: Half) -> None:
        """From here on a half has the keys of the handshake at hand."""
        if not half.changes:
            self.expect_12()
        if half.changes:
            half.change_to(half.changes[0], 0, 0)
        elif not self.decided:
            self.lack()

    # The end.

    def closed(self) -> None:
        """Nothing follows."""
        for half in self.halves:
            half.end(at_end=True)
        # Nobody saw whether the server took it.
        self.early.settle(True)
