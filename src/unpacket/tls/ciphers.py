"""Opens records: the ciphers are those of the library ``cryptography``.

An opener returns what a record carries, or None: no byte comes out that the record's
tag, or its MAC, has not proved. Which record of its epoch it is has to be known, since
the proof is about that too.
"""

from __future__ import annotations

import hmac
import warnings
from typing import Any, Protocol

from unpacket.errors import UnpacketError
from unpacket.tls.schedule import TLS_1_0, TLS_1_3, WriteKeys
from unpacket.tls.suites import CBC, CCM, CHACHA, GCM, Suite

EXPLICIT_BYTES = 8
LATEST = (1 << 64) - 1


class MissingCiphers(UnpacketError):
    """The library that decrypts is not installed."""

    def __str__(self) -> str:
        return "decryption needs the library cryptography: pip install 'unpacket[tls]'"


class Opener(Protocol):
    """Opens the records of one epoch.

    Attributes:
        before: How many bytes of a fragment come before what it carries.
        behind: How many there are behind it at least.
        exact: Whether there are never more.
    """

    before: int
    behind: int
    exact: bool

    def open(self, number: int, header: bytes, fragment: bytes) -> bytes | None:
        """Return what a record carries; None if it is not that record.

        In TLS 1.3 its true type and padding follow the content.

        Args:
            number: How many records of the epoch came before it.
            header: The 5 bytes of the record's header.
        """

    def guess(self, fragment: bytes) -> int:
        """Return which number a record says it has, or -1."""


class Tls13:
    """The AEAD ciphers of TLS 1.3 (RFC 8446 section 5.2)."""

    __slots__ = ("_aead", "_decrypt", "_iv", "_tag_bytes", "before", "behind", "exact")

    def __init__(self, suite: Suite, keys: WriteKeys) -> None:
        self._aead = aead(suite, keys.key)
        self._decrypt = self._aead.decrypt
        self._iv = int.from_bytes(keys.iv)
        self._tag_bytes = suite.tag_bytes
        self.before = 0
        self.behind = suite.tag_bytes + 1
        self.exact = False

    def open(self, number: int, header: bytes, fragment: bytes) -> bytes | None:
        """Return content, type and padding, or None."""
        if len(fragment) <= self._tag_bytes or number > LATEST:
            return None
        nonce = (self._iv ^ number).to_bytes(12)
        try:
            opened: bytes = self._decrypt(nonce, fragment, header)
        # It raises InvalidTag; of hostile bytes nobody can know what else.
        except Exception:
            return None
        return opened

    def guess(self, fragment: bytes) -> int:
        """Return -1: it does not say."""
        return -1


class Tls12:
    """The AEAD ciphers of TLS 1.2 (RFC 5246 section 6.2.3.3, RFC 7905)."""

    __slots__ = ("_aead", "_iv", "_last", "_tag_bytes", "before", "behind", "exact")

    def __init__(self, suite: Suite, keys: WriteKeys) -> None:
        self._aead = aead(suite, keys.key)
        self._iv = keys.iv
        self._tag_bytes = suite.tag_bytes
        self.before = 0 if suite.mode == CHACHA else EXPLICIT_BYTES
        self.behind = suite.tag_bytes
        self.exact = True
        # How far the part of the nonce that is sent is from the record's number.
        self._last = -1

    def open(self, number: int, header: bytes, fragment: bytes) -> bytes | None:
        """Return the content, or None."""
        size = len(fragment) - self.before - self._tag_bytes
        if size < 0 or number > LATEST:
            return None
        if self.before:
            nonce = self._iv + fragment[:EXPLICIT_BYTES]
        else:
            nonce = (int.from_bytes(self._iv) ^ number).to_bytes(12)
        about = number.to_bytes(8) + header[:3] + size.to_bytes(2)
        try:
            opened: bytes = self._aead.decrypt(nonce, fragment[self.before :], about)
        except Exception:
            return None
        if self.before:
            self._last = int.from_bytes(fragment[:EXPLICIT_BYTES]) - number
        return opened

    def guess(self, fragment: bytes) -> int:
        """Return the number that the nonce says, if nonces count as most do."""
        if not self.before or len(fragment) < EXPLICIT_BYTES or self._last < 0:
            return -1
        return max(-1, int.from_bytes(fragment[:EXPLICIT_BYTES]) - self._last)


class BlockCipher:
    """CBC with an HMAC (RFC 5246 section 6.2.3.2; RFC 7366, encrypt-then-MAC)."""

    __slots__ = (
        "_algorithm",
        "_block",
        "_chained",
        "_mac",
        "_mac_key",
        "_then_mac",
        "_tag_bytes",
        "_version",
        "before",
        "behind",
        "exact",
    )

    def __init__(
        self, suite: Suite, keys: WriteKeys, version: int, encrypt_then_mac: bool
    ) -> None:
        self._algorithm = block_cipher(suite, keys.key)
        self._block = suite.block_bytes
        self._mac = suite.mac
        self._mac_key = keys.mac
        self._tag_bytes = suite.tag_bytes
        self._then_mac = encrypt_then_mac
        self._version = version.to_bytes(2)
        # TLS 1.0 goes on with the last block of the record before (RFC 2246).
        self._chained = (0, keys.iv) if version == TLS_1_0 else None
        self.before = 0 if version == TLS_1_0 else self._block
        self.behind = suite.tag_bytes + 1
        self.exact = False

    def open(self, number: int, header: bytes, fragment: bytes) -> bytes | None:
        """Return the content, or None."""
        block = self._block
        sealed = fragment
        if self._then_mac:
            sealed = fragment[: -self._tag_bytes]
            size = len(sealed)
            if not self._proves(number, header, size, sealed, fragment[size:]):
                return None
        if len(sealed) < self.before + block or len(sealed) % block:
            return None
        if self._chained is None:
            iv, sealed = sealed[:block], sealed[block:]
        elif self._chained[0] == number:
            iv = self._chained[1]
        else:
            return None
        opened = self._decrypt(iv, sealed)
        padding = opened[-1] + 1
        if opened[-padding:] != bytes([padding - 1]) * padding:
            return None
        content = opened[:-padding]
        if not self._then_mac:
            size = len(content) - self._tag_bytes
            if size < 0:
                return None
            mac = content[size:]
            content = content[:size]
            if not self._proves(number, header, size, content, mac):
                return None
        if self._chained is not None:
            self._chained = (number + 1, sealed[-block:])
        return content

    def _decrypt(self, iv: bytes, sealed: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers import Cipher, modes

        decryptor = Cipher(self._algorithm, modes.CBC(iv)).decryptor()
        found: bytes = decryptor.update(sealed) + decryptor.finalize()
        return found

    def _proves(
        self, number: int, header: bytes, size: int, about: bytes, mac: bytes
    ) -> bool:
        text = number.to_bytes(8) + header[:3] + size.to_bytes(2) + about
        return hmac.compare_digest(hmac.digest(self._mac_key, text, self._mac), mac)

    def guess(self, fragment: bytes) -> int:
        """Return -1: it does not say."""
        return -1


def check() -> None:
    """Refuse to go on without the library.

    Raises:
        MissingCiphers: It is not installed.
    """
    try:
        import cryptography  # noqa: F401
    except ImportError:
        raise MissingCiphers from None


def aead(suite: Suite, key: bytes) -> Any:
    """Return the cipher of an AEAD suite."""
    from cryptography.hazmat.primitives.ciphers import aead as ciphers

    if suite.mode == GCM:
        return ciphers.AESGCM(key)
    if suite.mode == CCM:
        return ciphers.AESCCM(key, tag_length=suite.tag_bytes)
    return ciphers.ChaCha20Poly1305(key)


def block_cipher(suite: Suite, key: bytes) -> Any:
    """Return the block cipher of a CBC suite."""
    from cryptography.hazmat.primitives.ciphers import algorithms

    if suite.cipher == "AES":
        return algorithms.AES(key)
    with warnings.catch_warnings():
        # It warns that they are old, and that is what recordings are.
        warnings.simplefilter("ignore")
        from cryptography.hazmat.decrepit.ciphers import algorithms as old

        name = "Camellia" if suite.cipher == "CAMELLIA" else "TripleDES"
        return getattr(old, name)(key)


def opener(
    suite: Suite, keys: WriteKeys, version: int, encrypt_then_mac: bool = False
) -> Opener:
    """Return what opens the records of a side."""
    if version == TLS_1_3:
        return Tls13(suite, keys)
    if suite.mode == CBC:
        return BlockCipher(suite, keys, version, encrypt_then_mac)
    return Tls12(suite, keys)
