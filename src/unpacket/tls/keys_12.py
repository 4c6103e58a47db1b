"""Keys before TLS 1.3: the master secret of a handshake, by whatever name it is known.

It is logged by the client random, or by the session; a session that is resumed has that
of the one before; and a premaster secret makes it, with what the handshake said.
"""

from __future__ import annotations

from unpacket.tls.ciphers import opener
from unpacket.tls.epoch import Epoch
from unpacket.tls.handshake import ClientHello, ServerHello
from unpacket.tls.key_log import MASTER, PREMASTER, KeyLog
from unpacket.tls.schedule import (
    TLS_1_2,
    extended_master_secret,
    key_block,
    master_secret,
)
from unpacket.tls.suites import Suite

CLIENT_KEY_EXCHANGE = 16
ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, SESSION_TICKET = 22, 23, 35

# An extended master secret is made of the handshake: so much of it is kept.
MAX_TRANSCRIPT = 256 << 10

MAX_SESSIONS = 4096


class Sessions:
    """Master secrets of sessions that were seen, for those that resume them."""

    def __init__(self) -> None:
        self._masters: dict[bytes, bytes] = {}

    def put(self, name: bytes, master: bytes) -> None:
        """Remember the secret of a session id or a ticket."""
        if name:
            self._masters.pop(name, None)
            self._masters[name] = master
            if len(self._masters) > MAX_SESSIONS:
                del self._masters[next(iter(self._masters))]

    def get(self, name: bytes | None) -> bytes | None:
        """Return the secret of one, or None."""
        return self._masters.get(name) if name else None


class Keys12:
    """One handshake, from its client hello on.

    Attributes:
        master: Its master secret, once it is known.
    """

    __slots__ = (
        "_exchanged",
        "_hello",
        "_log",
        "_premaster",
        "_sessions",
        "_transcripts",
        "master",
    )

    def __init__(
        self, log: KeyLog, sessions: Sessions, hello: ClientHello | None
    ) -> None:
        self.master: bytes | None = None
        self._log = log
        self._sessions = sessions
        self._hello = hello
        self._premaster: bytes | None = None
        self._exchanged = False
        # What client and server said up to the client's key exchange.
        self._transcripts = (bytearray(), bytearray())

    def note(self, is_client: bool, kind: int, data: bytes) -> None:
        """Take a message of the handshake."""
        if self._exchanged:
            return
        transcript = self._transcripts[0 if is_client else 1]
        if len(transcript) + len(data) <= MAX_TRANSCRIPT:
            transcript += bytes([kind]) + len(data).to_bytes(3) + data
        if kind == CLIENT_KEY_EXCHANGE:
            self._exchanged = True
            for skip in (2, 0):
                # SSL 3.0 has no length before it.
                self._premaster = self._log.premasters.get(data[skip : skip + 8])
                if self._premaster is not None:
                    break

    def take_ticket(self, ticket: bytes) -> None:
        """The server gives a ticket for the session at hand."""
        if self.master is not None:
            self._sessions.put(ticket, self.master)

    def epochs(self, answer: ServerHello, suite: Suite) -> tuple[Epoch, Epoch] | None:
        """Return the epochs of client and server; None without a secret so far."""
        hello = self._hello
        if hello is None:
            return None
        if self.master is None:
            self.master = self._find(hello, answer, suite)
        if self.master is None:
            return None
        self._sessions.put(answer.session_id, self.master)
        version = answer.version
        keys = key_block(self.master, hello.random, answer.random, version, suite)
        then_mac = answer.extension(ENCRYPT_THEN_MAC) is not None
        client, server = (
            Epoch(opener(suite, one, version, encrypt_then_mac=then_mac))
            for one in keys
        )
        return client, server

    def _find(
        self, hello: ClientHello, answer: ServerHello, suite: Suite
    ) -> bytes | None:
        log = self._log
        secrets = log.of(hello.random)
        master = secrets.get(MASTER) or log.sessions.get(answer.session_id)
        if master is not None:
            return master
        if answer.session_id and answer.session_id == hello.session_id:
            ticket = hello.extension(SESSION_TICKET)
            resumed = self._sessions.get(answer.session_id)
            return resumed or self._sessions.get(ticket)
        premaster = secrets.get(PREMASTER) or self._premaster
        if premaster is None or not self._exchanged:
            return None
        version = answer.version
        digest = suite.digest if version >= TLS_1_2 else ""
        if answer.extension(EXTENDED_MASTER_SECRET) is None:
            return master_secret(
                premaster, hello.random, answer.random, version, digest
            )
        asked, answered = self._transcripts
        size = 4 + int.from_bytes(asked[1:4])
        transcript = bytes(asked[:size] + answered + asked[size:])
        return extended_master_secret(premaster, transcript, version, digest)
