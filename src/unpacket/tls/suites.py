"""What a cipher suite is made of, as its name says (RFC 5246 appendix C, RFC 8446)."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from unpacket.tls.names import CIPHERS

GCM, CCM, CHACHA, CBC = "gcm", "ccm", "chacha", "cbc"

NAME = re.compile(
    r"TLS_(?:.+_WITH_)?(?P<cipher>AES|CAMELLIA|3DES|CHACHA20)_"
    r"(?:(?P<bits>128|256|EDE)_)?(?P<mode>GCM|CCM|CCM_8|CBC|POLY1305)"
    r"(?:_(?P<digest>SHA|SHA256|SHA384))?"
)
HASHES = {"SHA": "sha1", "SHA256": "sha256", "SHA384": "sha384"}


class Suite(NamedTuple):
    """A suite that can be decrypted.

    Attributes:
        cipher: ``AES``, ``CAMELLIA``, ``3DES`` or ``CHACHA20``.
        mode: ``gcm``, ``ccm``, ``chacha`` or ``cbc``.
        key_bytes: The length of a key.
        digest: The name of the hash of its key schedule in ``hashlib``.
        mac: That of the MAC of records; empty where the cipher authenticates.
        tag_bytes: The length of what authenticates a record.
    """

    number: int
    cipher: str
    mode: str
    key_bytes: int
    digest: str
    mac: str
    tag_bytes: int

    @property
    def block_bytes(self) -> int:
        """The block of CBC."""
        return 8 if self.cipher == "3DES" else 16


MAC_BYTES = {"sha1": 20, "sha256": 32, "sha384": 48}


@cache
def suite_of(number: int) -> Suite | None:
    """Return the suite of a number; None if it is not known how to decrypt it."""
    found = NAME.fullmatch(CIPHERS.get(number, ""))
    if found is None:
        return None
    cipher, bits, mode, digest = found.group("cipher", "bits", "mode", "digest")
    name = HASHES.get(digest or "SHA256", "sha256")
    if mode == "CBC":
        # The PRF of TLS 1.2 is never weaker than SHA-256 (RFC 5246 section 5).
        schedule = "sha384" if name == "sha384" else "sha256"
        key_bytes = 24 if bits == "EDE" else int(bits) // 8
        return Suite(number, cipher, CBC, key_bytes, schedule, name, MAC_BYTES[name])
    if mode == "POLY1305":
        return Suite(number, cipher, CHACHA, 32, name, "", 16)
    tag_bytes = 8 if mode == "CCM_8" else 16
    kind = GCM if mode == "GCM" else CCM
    return Suite(number, cipher, kind, int(bits) // 8, name, "", tag_bytes)
