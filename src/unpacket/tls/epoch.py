"""Records of one side that have the same keys, and those of TLS 1.3 in their order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from unpacket.tls.ciphers import opener
from unpacket.tls.key_log import (
    CLIENT_APPLICATION,
    CLIENT_HANDSHAKE,
    EARLY,
    SERVER_APPLICATION,
    SERVER_HANDSHAKE,
)
from unpacket.tls.schedule import TLS_1_3, next_secret, traffic_keys
from unpacket.tls.suites import Suite, suite_of

if TYPE_CHECKING:
    from unpacket.tls.ciphers import Opener

# Suites of TLS 1.3 by the length of their secrets, where nobody saw the choice.
SUITES_13 = {32: (0x1301, 0x1303, 0x1304, 0x1305), 48: (0x1302,)}


class Epoch:
    """Records of one side with the same keys.

    Attributes:
        opener: What opens them.
        number: How many there were so far.
        is_13: Whether they are of TLS 1.3.
        carries: Whether they may have application data.
        is_early: Whether those are early data (RFC 8446 section 2.3).
        following: Makes the epoch behind a key update; None where there is none.
        suite: That of the connection; None before TLS 1.3.
    """

    __slots__ = (
        "carries",
        "following",
        "is_13",
        "is_early",
        "number",
        "opener",
        "suite",
    )

    def __init__(
        self,
        opener: Opener,
        *,
        suite: Suite | None = None,
        carries: bool = True,
        is_early: bool = False,
        following: Any = None,
    ) -> None:
        self.opener = opener
        self.number = 0
        self.is_13 = suite is not None
        self.carries = carries
        self.is_early = is_early
        self.following = following
        self.suite = suite


def epoch_13(
    secret: bytes,
    suite: Suite,
    connection: Suite | None = None,
    *,
    carries: bool = True,
    is_early: bool = False,
    updates: bool = False,
) -> Epoch:
    """Return the epoch of a traffic secret.

    Args:
        connection: The suite of the connection, where that may be another one.
        updates: Whether key updates lead to further ones.
    """

    def following() -> Epoch:
        return epoch_13(next_secret(secret, suite), suite, updates=True)

    return Epoch(
        opener(suite, traffic_keys(secret, suite), TLS_1_3),
        suite=connection or suite,
        carries=carries,
        is_early=is_early,
        following=following if updates else None,
    )


def epochs_13(
    secrets: Mapping[str, bytes], suite: Suite, *, is_client: bool, may_be_early: bool
) -> list[Epoch]:
    """Return the epochs of a side, in their order, as far as secrets are known.

    Args:
        may_be_early: Whether early data may come first.
    """
    found = []
    if is_client and may_be_early and EARLY in secrets:
        # Its suite is that of the session before.
        for number in SUITES_13.get(len(secrets[EARLY]), ()):
            before = suite_of(number)
            if before is not None:
                found.append(epoch_13(secrets[EARLY], before, suite, is_early=True))
    name = CLIENT_HANDSHAKE if is_client else SERVER_HANDSHAKE
    if name in secrets:
        found.append(epoch_13(secrets[name], suite, carries=False))
    name = CLIENT_APPLICATION if is_client else SERVER_APPLICATION
    if name in secrets:
        found.append(epoch_13(secrets[name], suite, updates=True))
    return found


def likely_suites(secrets: Mapping[str, bytes], offered: list[int]) -> list[Suite]:
    """Return the suites that fit the secrets of a connection, of those offered."""
    sizes = {
        len(secret) for name, secret in secrets.items() if name.endswith("SECRET_0")
    }
    found = []
    for size in sizes:
        for number in SUITES_13.get(size, ()):
            suite = suite_of(number)
            if suite is not None and number in offered:
                found.append(suite)
    return found
