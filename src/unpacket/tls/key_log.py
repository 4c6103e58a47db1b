"""Secrets of TLS by what a capture shows of their connections: key logs.

The format is that of SSLKEYLOGFILE: a line each, with a label, what it belongs to, and
the secret, in hex (draft-ietf-tls-keylogfile; older labels as NSS and OpenSSL write
them). A file may grow while it is read; what is no such line is passed over.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from os import PathLike
from typing import TYPE_CHECKING, TypeAlias

from unpacket._options import wrong
from unpacket.errors import SourceError

if TYPE_CHECKING:
    from unpacket.sources.formats.notes import Secrets

RANDOM_BYTES = 32
# Of the digests of TLS 1.3, and of a master secret.
SECRET_BYTES = (32, 48)

# A line that is longer is none: the longest secret has 64 bytes, a premaster secret of
# finite-field Diffie-Hellman 1024.
MAX_LINE_BYTES = 8192

MASTER = "CLIENT_RANDOM"
PREMASTER = "PMS_CLIENT_RANDOM"
EARLY = "CLIENT_EARLY_TRAFFIC_SECRET"
CLIENT_HANDSHAKE = "CLIENT_HANDSHAKE_TRAFFIC_SECRET"
SERVER_HANDSHAKE = "SERVER_HANDSHAKE_TRAFFIC_SECRET"
CLIENT_APPLICATION = "CLIENT_TRAFFIC_SECRET_0"
SERVER_APPLICATION = "SERVER_TRAFFIC_SECRET_0"

LABELS = frozenset(
    label.encode()
    for label in (
        MASTER,
        PREMASTER,
        EARLY,
        CLIENT_HANDSHAKE,
        SERVER_HANDSHAKE,
        CLIENT_APPLICATION,
        SERVER_APPLICATION,
    )
)

KeyPath: TypeAlias = str | PathLike[str]
Keys: TypeAlias = KeyPath | Iterable[KeyPath]

NONE: dict[str, bytes] = {}


class KeyLog:
    """What is known so far.

    Attributes:
        randoms: The secrets of each client random, by their label.
        premasters: Premaster secrets by the first 8 bytes of what RSA made of them.
        sessions: Master secrets by the session id.
        version: Grows whenever a secret is added.
    """

    def __init__(self, paths: Iterable[KeyPath] = ()) -> None:
        self.randoms: dict[bytes, dict[str, bytes]] = {}
        self.premasters: dict[bytes, bytes] = {}
        self.sessions: dict[bytes, bytes] = {}
        self.version = 0
        self._files = [KeyFile(path) for path in paths]
        self._secrets: list[Secrets] = []
        self._known = 0
        for file in self._files:
            self.add(file.fresh())

    def of(self, random: bytes) -> dict[str, bytes]:
        """Return the secrets of a client random by their labels; none are known."""
        return self.randoms.get(random, NONE)

    def attach(self, secrets: list[Secrets]) -> None:
        """Take what a capture has of them too, as it is read; the list may grow."""
        self._secrets = secrets
        self._known = 0
        self.poll()

    def poll(self) -> None:
        """Look for what has come since the last time.

        Raises:
            SourceError: A file cannot be read any more.
        """
        secrets = self._secrets
        while self._known < len(secrets):
            one = secrets[self._known]
            self._known += 1
            if one.kind == "tls":
                self.add(one.data)
        for file in self._files:
            self.add(file.fresh())

    def add(self, data: bytes) -> None:
        """Take lines."""
        for line in data.splitlines():
            self._take(line)

    def _take(self, line: bytes) -> None:
        words = line.split()
        if not 3 <= len(words) <= 4 or words[0].startswith(b"#"):
            return
        label, of, secret = words[0], words[1], words[-1]
        try:
            if label == b"RSA":
                if of.startswith(b"Session-ID:") and secret.startswith(b"Master-Key:"):
                    session = octets(of.removeprefix(b"Session-ID:"))
                    self.sessions[session] = octets(secret.removeprefix(b"Master-Key:"))
                elif len(of) == 16:
                    self.premasters[octets(of)] = octets(secret)
                else:
                    return
            elif label in LABELS and len(of) == 2 * RANDOM_BYTES:
                found = octets(secret)
                if label != PREMASTER.encode() and len(found) not in SECRET_BYTES:
                    return
                self.randoms.setdefault(octets(of), {})[label.decode()] = found
            else:
                return
        except ValueError:
            return
        self.version += 1


def octets(text: bytes) -> bytes:
    """Return what hex says.

    Raises:
        ValueError: It is none.
    """
    return bytes.fromhex(text.decode("ascii"))


class KeyFile:
    """A key log on disk, of which whole lines are given as they are written.

    Raises:
        SourceError: It cannot be read.
    """

    def __init__(self, path: KeyPath) -> None:
        self.path = os.fspath(path)
        self._offset = 0
        self._rest = b""

    def fresh(self) -> bytes:
        """Return the lines that have come since the last call.

        A last line without its end may be one, and comes again once it has more.

        Raises:
            SourceError: The file cannot be read.
        """
        try:
            size = os.stat(self.path).st_size
            if size == self._offset:
                return b""
            if size < self._offset:
                # Written anew.
                self._offset = 0
                self._rest = b""
            with open(self.path, "rb") as file:
                file.seek(self._offset)
                data = file.read()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise SourceError(self.path, reason) from error
        self._offset += len(data)
        whole, newline, rest = (self._rest + data).rpartition(b"\n")
        self._rest = rest if len(rest) <= MAX_LINE_BYTES else b""
        return whole + newline + self._rest


def key_log(keys: Keys) -> KeyLog:
    """Return the log of what a caller gives for keys: a path, or several, or none.

    Raises:
        SourceError: A file cannot be read.
        TypeError: It is neither.
    """
    if isinstance(keys, str | PathLike):
        return KeyLog([keys])
    try:
        return KeyLog(keys)
    except TypeError:
        wanted = "a path, or several"
        raise wrong("keys", keys, wanted) from None


def lines_by_random(data: bytes) -> Iterable[tuple[bytes, bytes]]:
    """Give each line of a key log that belongs to a client random, with that."""
    for line in data.splitlines():
        words = line.split()
        if len(words) < 3 or len(words[1]) != 2 * RANDOM_BYTES:
            continue
        try:
            yield octets(words[1]), line
        except ValueError:
            continue
