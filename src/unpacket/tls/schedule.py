"""From secrets to keys: the schedules of TLS 1.3 (RFC 8446 section 7) and before.

Only digests and HMAC are used here, those of the standard library.
"""

from __future__ import annotations

import hmac
from hashlib import new
from typing import NamedTuple

from unpacket.tls.suites import CBC, CHACHA, Suite

TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 = 0x0301, 0x0302, 0x0303, 0x0304

MASTER_BYTES = 48
NONCE_BYTES = 12
# The part of a nonce that TLS 1.2 does not send (RFC 5288, RFC 6655).
SALT_BYTES = 4


class WriteKeys(NamedTuple):
    """What one side encrypts with.

    Attributes:
        iv: The nonce's base, its salt, or the first block of CBC.
        mac: The key of the MAC; empty where the cipher authenticates.
    """

    key: bytes
    iv: bytes
    mac: bytes = b""


def expand_label(
    secret: bytes, label: bytes, context: bytes, length: int, digest: str
) -> bytes:
    """Return HKDF-Expand-Label (RFC 8446 section 7.1)."""
    name = b"tls13 " + label
    info = length.to_bytes(2) + bytes([len(name)]) + name
    info += bytes([len(context)]) + context
    found = block = b""
    count = 0
    while len(found) < length:
        count += 1
        block = hmac.digest(secret, block + info + bytes([count]), digest)
        found += block
    return found[:length]


def traffic_keys(secret: bytes, suite: Suite) -> WriteKeys:
    """Return the keys of a traffic secret (RFC 8446 section 7.3)."""
    key = expand_label(secret, b"key", b"", suite.key_bytes, suite.digest)
    return WriteKeys(key, expand_label(secret, b"iv", b"", NONCE_BYTES, suite.digest))


def next_secret(secret: bytes, suite: Suite) -> bytes:
    """Return the traffic secret behind a key update (RFC 8446 section 7.2)."""
    return expand_label(secret, b"traffic upd", b"", len(secret), suite.digest)


def expand(secret: bytes, seed: bytes, length: int, digest: str) -> bytes:
    """Return P_hash (RFC 5246 section 5)."""
    found = b""
    chained = seed
    while len(found) < length:
        chained = hmac.digest(secret, chained, digest)
        found += hmac.digest(secret, chained + seed, digest)
    return found[:length]


def prf(
    secret: bytes, label: bytes, seed: bytes, length: int, version: int, digest: str
) -> bytes:
    """Return the PRF of TLS 1.2, or before it that of MD5 and SHA-1 (RFC 4346)."""
    if version >= TLS_1_2:
        return expand(secret, label + seed, length, digest)
    half = (len(secret) + 1) // 2
    one = expand(secret[:half], label + seed, length, "md5")
    two = expand(secret[len(secret) - half :], label + seed, length, "sha1")
    return bytes(a ^ b for a, b in zip(one, two, strict=True))


def master_secret(
    premaster: bytes, client: bytes, server: bytes, version: int, digest: str
) -> bytes:
    """Return the master secret of a premaster secret and both randoms."""
    return prf(
        premaster, b"master secret", client + server, MASTER_BYTES, version, digest
    )


def extended_master_secret(
    premaster: bytes, transcript: bytes, version: int, digest: str
) -> bytes:
    """Return the master secret that a handshake up to its key exchange makes.

    RFC 7627 section 4.
    """
    if version >= TLS_1_2:
        session = new(digest, transcript).digest()
    else:
        session = new("md5", transcript).digest() + new("sha1", transcript).digest()
    return prf(
        premaster, b"extended master secret", session, MASTER_BYTES, version, digest
    )


def key_block(
    master: bytes, client: bytes, server: bytes, version: int, suite: Suite
) -> tuple[WriteKeys, WriteKeys]:
    """Return the keys of client and server (RFC 5246 section 6.3)."""
    mac_bytes = suite.tag_bytes if suite.mode == CBC else 0
    iv_bytes = SALT_BYTES
    if suite.mode == CHACHA:
        iv_bytes = NONCE_BYTES
    elif suite.mode == CBC:
        # Later versions send it with each record.
        iv_bytes = suite.block_bytes if version == TLS_1_0 else 0
    sizes = (mac_bytes, mac_bytes, suite.key_bytes, suite.key_bytes, iv_bytes, iv_bytes)
    seed = server + client
    block = prf(master, b"key expansion", seed, sum(sizes), version, suite.digest)
    parts = []
    at = 0
    for size in sizes:
        parts.append(block[at : at + size])
        at += size
    macs, keys, ivs = parts[:2], parts[2:4], parts[4:]
    return WriteKeys(keys[0], ivs[0], macs[0]), WriteKeys(keys[1], ivs[1], macs[1])
