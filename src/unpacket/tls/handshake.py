"""What handshake messages say in the clear (RFC 5246 section 7.4, RFC 8446 section 4).

Each is read as far as it makes sense: a list that is cut ends there, and whoever asks
sees by ``whole`` that it is.
"""

from functools import cached_property
from typing import Any

from unpacket.tls.names import (
    ALPN,
    CERTIFICATE,
    CLIENT_HELLO,
    GROUPS,
    HANDSHAKES,
    POINT_FORMATS,
    SERVER_HELLO,
    SERVER_NAME,
    SIGNATURES,
    SUPPORTED_VERSIONS,
    cipher_name,
    is_grease,
    version_name,
)

# RFC 8446 section 4.1.3: the SHA-256 of "HelloRetryRequest".
RETRY_RANDOM = bytes.fromhex(
    "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"
)

# A handshake message that is longer is not looked into. 4 bytes are its header.
MAX_MESSAGE = 256 << 10


class Cursor:
    """Reads a message from front to back; what is not there reads as nothing.

    Attributes:
        whole: Whether all that was asked for was there.
    """

    __slots__ = ("at", "data", "whole")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.whole = True

    def take(self, count: int) -> bytes:
        """Return the next bytes, at most so many."""
        taken = self.data[self.at : self.at + count]
        self.at += count
        self.whole = self.whole and len(taken) == count
        return taken

    def number(self, size: int) -> int:
        """Return the next bytes as a number; 0 where they are not there."""
        taken = self.take(size)
        return int.from_bytes(taken) if len(taken) == size else 0

    def vector(self, size: int) -> bytes:
        """Return the bytes whose count stands before them in ``size`` bytes."""
        return self.take(self.number(size))

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return max(0, len(self.data) - self.at)


def numbers(data: bytes) -> list[int]:
    """Return numbers of two bytes each."""
    return [int.from_bytes(data[at : at + 2]) for at in range(0, len(data) - 1, 2)]


def strings(data: bytes) -> list[bytes]:
    """Return strings of which each has its length, of one byte, before it."""
    cursor = Cursor(data)
    found = []
    while cursor.left:
        found.append(cursor.vector(1))
    return found


def extension_list(cursor: Cursor) -> list[tuple[int, bytes]]:
    """Return type and data of the extensions that come next (RFC 8446 section 4.2)."""
    inner = Cursor(cursor.vector(2))
    found = []
    while inner.left:
        one = (inner.number(2), inner.vector(2))
        if inner.whole:
            found.append(one)
    cursor.whole = cursor.whole and inner.whole
    return found


def alpn_names(data: bytes | None) -> list[str]:
    """Return the names in the extension ALPN (RFC 7301)."""
    if data is None:
        return []
    return [name.decode("latin-1") for name in strings(Cursor(data).vector(2))]


class Handshake:
    """A handshake message.

    Attributes:
        kind: Its type.
        data: All of it behind its header of four bytes.
    """

    def __init__(self, kind: int, data: bytes) -> None:
        self.kind = kind
        self.data = data

    @property
    def name(self) -> str:
        """The name of its type; its number where it has none."""
        return HANDSHAKES.get(self.kind) or f"handshake {self.kind}"

    @property
    def summary(self) -> str:
        """What a reader of one line should know."""
        return self.name

    @property
    def facts(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        return {"type": self.name, "length": len(self.data)}


class Hello(Handshake):
    """What both hellos have in common.

    Attributes:
        legacy_version: The version where TLS 1.2 had it.
        extensions: Type and data of each, in their order.
        whole: Whether it could be read to its end.
    """

    def __init__(self, kind: int, data: bytes) -> None:
        super().__init__(kind, data)
        self.cursor = Cursor(data)
        self.legacy_version = self.cursor.number(2)
        self.random = self.cursor.take(32)
        self.session_id = self.cursor.vector(1)

    def read_extensions(self) -> None:
        """Read what ends a hello; SSL 3.0 and old clients have none."""
        self.extensions: list[tuple[int, bytes]] = []
        if self.cursor.left:
            self.extensions = extension_list(self.cursor)
        self.whole = self.cursor.whole

    def extension(self, kind: int) -> bytes | None:
        """Return the data of the first extension of a type."""
        return next((data for one, data in self.extensions if one == kind), None)

    @cached_property
    def alpn(self) -> list[str]:
        """The names of application protocols (RFC 7301), such as ``h2``."""
        return alpn_names(self.extension(ALPN))


class ClientHello(Hello):
    """What a client offers.

    Attributes:
        ciphers: The numbers of cipher suites, in their order.
    """

    def __init__(self, kind: int, data: bytes) -> None:
        super().__init__(kind, data)
        self.ciphers = numbers(self.cursor.vector(2))
        self.cursor.vector(1)
        self.read_extensions()

    @cached_property
    def server_name(self) -> str | None:
        """The name of the host that is asked for (RFC 6066 section 3)."""
        data = self.extension(SERVER_NAME)
        if data is None:
            return None
        cursor = Cursor(Cursor(data).vector(2))
        while cursor.left:
            kind = cursor.number(1)
            name = cursor.vector(2)
            if kind == 0:
                return name.decode("latin-1")
        return None

    @cached_property
    def versions(self) -> list[int]:
        """The versions that it speaks, without GREASE."""
        data = self.extension(SUPPORTED_VERSIONS)
        if data is None:
            return [self.legacy_version]
        return [one for one in numbers(Cursor(data).vector(1)) if not is_grease(one)]

    @cached_property
    def groups(self) -> list[int]:
        """The numbers of its groups (elliptic curves), in their order."""
        data = self.extension(GROUPS)
        return [] if data is None else numbers(Cursor(data).vector(2))

    @cached_property
    def point_formats(self) -> list[int]:
        """The numbers of its point formats."""
        data = self.extension(POINT_FORMATS)
        return [] if data is None else list(Cursor(data).vector(1))

    @cached_property
    def signatures(self) -> list[int]:
        """The numbers of its signature algorithms, in their order."""
        data = self.extension(SIGNATURES)
        return [] if data is None else numbers(Cursor(data).vector(2))

    @cached_property
    def ja3(self) -> str:
        """The fingerprint JA3, see ``fingerprints``."""
        from unpacket.tls.fingerprints import ja3

        return ja3(self)

    @cached_property
    def ja4(self) -> str:
        """The fingerprint JA4, see ``fingerprints``."""
        from unpacket.tls.fingerprints import ja4

        return ja4(self)

    @property
    def summary(self) -> str:
        """Whom it asks for, and how it can speak."""
        parts = [self.name]
        if self.server_name is not None:
            parts.append(self.server_name)
        if self.versions:
            parts.append(version_name(max(self.versions)))
        if self.alpn:
            parts.append(",".join(self.alpn))
        return " ".join([*parts, self.ja4])

    @property
    def facts(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        return super().facts | {
            "server_name": self.server_name,
            "versions": [version_name(one) for one in self.versions],
            "ciphers": [cipher_name(one) for one in self.ciphers],
            "alpn": self.alpn,
            "extensions": [kind for kind, _ in self.extensions],
            "ja3": self.ja3,
            "ja4": self.ja4,
            "whole": self.whole,
        }


class ServerHello(Hello):
    """What a server chooses.

    Attributes:
        cipher: The number of the cipher suite.
        compression: The number of the compression; 0 is none.
    """

    def __init__(self, kind: int, data: bytes) -> None:
        super().__init__(kind, data)
        self.cipher = self.cursor.number(2)
        self.compression = self.cursor.number(1)
        self.read_extensions()

    @property
    def is_retry(self) -> bool:
        """Whether it wants another client hello (RFC 8446 section 4.1.4)."""
        return self.random == RETRY_RANDOM

    @property
    def version(self) -> int:
        """The version that is spoken from here on."""
        data = self.extension(SUPPORTED_VERSIONS)
        if data is None or len(data) != 2:
            return self.legacy_version
        return int.from_bytes(data)

    @cached_property
    def ja3s(self) -> str:
        """The fingerprint JA3S, see ``fingerprints``."""
        from unpacket.tls.fingerprints import ja3s

        return ja3s(self)

    @property
    def summary(self) -> str:
        """What it chose."""
        name = "hello_retry_request" if self.is_retry else self.name
        parts = [name, version_name(self.version), cipher_name(self.cipher)]
        return " ".join([*parts, *self.alpn])

    @property
    def facts(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        return super().facts | {
            "retry": self.is_retry,
            "version": version_name(self.version),
            "cipher": cipher_name(self.cipher),
            "alpn": self.alpn,
            "extensions": [kind for kind, _ in self.extensions],
            "ja3s": self.ja3s,
            "whole": self.whole,
        }


class Certificates(Handshake):
    """The certificates of a side, its own first (TLS 1.2; later ones are encrypted).

    Attributes:
        chain: Each in DER.
    """

    def __init__(self, kind: int, data: bytes) -> None:
        super().__init__(kind, data)
        cursor = Cursor(Cursor(data).vector(3))
        self.chain: list[bytes] = []
        while cursor.left:
            one = cursor.vector(3)
            if cursor.whole:
                self.chain.append(one)

    @property
    def names(self) -> list[Any]:
        """Whose they are, each a ``certificates.Names``.

        Raises:
            MissingCryptography: The library that reads certificates is missing.
        """
        from unpacket.tls.certificates import names_of

        return [names_of(one) for one in self.chain]

    @property
    def summary(self) -> str:
        """Whose it is, where that can be read; else how many there are."""
        from unpacket.tls.certificates import known_names

        known = known_names(self.chain[:1])
        if known:
            return f"{self.name} {known[0].subject}"
        return f"{self.name} ({len(self.chain)})"

    @property
    def facts(self) -> dict[str, Any]:
        """Their digests, and whose they are where that can be read."""
        from unpacket.tls.certificates import certificate_facts

        return super().facts | {"chain": [certificate_facts(der) for der in self.chain]}


KINDS: dict[int, type[Handshake]] = {
    CLIENT_HELLO: ClientHello,
    SERVER_HELLO: ServerHello,
    CERTIFICATE: Certificates,
}


def handshake(kind: int, data: bytes) -> Handshake:
    """Return a handshake message of a type."""
    return KINDS.get(kind, Handshake)(kind, data)


class Messages:
    """Puts the handshake messages of a side together.

    Attributes:
        is_lost: Whether it is not known where the next one begins.
    """

    __slots__ = ("_passing", "_waiting", "is_lost")

    def __init__(self) -> None:
        self._waiting = bytearray()
        # How much is still to come of a message that is not looked into.
        self._passing = 0
        self.is_lost = False

    def begin(self) -> None:
        """The next record begins a message: it has other keys than the one before."""
        self._waiting.clear()
        self._passing = 0
        self.is_lost = False

    def lose(self) -> None:
        """Records are missing."""
        self.begin()
        self.is_lost = True

    def feed(self, fragment: bytes) -> list[tuple[int, bytes]]:
        """Take a record; return type and content of the messages that end in it."""
        if self.is_lost:
            found = exact_messages(fragment)
            self.is_lost = not found
            return found
        passed = min(self._passing, len(fragment))
        self._passing -= passed
        waiting = self._waiting
        waiting += fragment[passed:]
        found = []
        at = 0
        while len(waiting) - at >= 4:
            size = 4 + int.from_bytes(waiting[at + 1 : at + 4])
            if len(waiting) - at < size:
                if size > MAX_MESSAGE:
                    self._passing = size - (len(waiting) - at)
                    at = len(waiting)
                break
            found.append((waiting[at], bytes(waiting[at + 4 : at + size])))
            at += size
        del waiting[:at]
        return found


def exact_messages(fragment: bytes) -> list[tuple[int, bytes]]:
    """Return the messages that fill a record from its first byte to its last.

    None where they do not: then it begins, or ends, within a message or is encrypted.
    """
    found = []
    at = 0
    while at < len(fragment):
        size = 4 + int.from_bytes(fragment[at + 1 : at + 4])
        if fragment[at] not in HANDSHAKES or len(fragment) - at < max(4, size):
            return []
        found.append((fragment[at], fragment[at + 4 : at + size]))
        at += size
    return found
