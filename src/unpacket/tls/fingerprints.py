"""Fingerprints of who speaks TLS, by their public definitions.

JA3 and JA3S: https://github.com/salesforce/ja3; JA4:
https://github.com/FoxIO-LLC/ja4, "JA4: TLS Client Fingerprinting". All leave GREASE out
(RFC 8701).
"""

from collections.abc import Iterable
from hashlib import md5, sha256
from typing import TYPE_CHECKING

from unpacket.tls.names import ALPN, SERVER_NAME, is_grease

if TYPE_CHECKING:
    from unpacket.tls.handshake import ClientHello, ServerHello

JA4_VERSIONS = {
    0x0002: "s2",
    0x0300: "s3",
    0x0301: "10",
    0x0302: "11",
    0x0303: "12",
    0x0304: "13",
}
NOTHING = "0" * 12


def known(values: Iterable[int]) -> list[int]:
    """Return values without GREASE."""
    return [value for value in values if not is_grease(value)]


def ja3_text(hello: "ClientHello") -> str:
    """Return what JA3 is the digest of: five lists of decimal numbers."""
    lists = (
        [hello.legacy_version],
        known(hello.ciphers),
        known(kind for kind, _ in hello.extensions),
        known(hello.groups),
        hello.point_formats,
    )
    return ",".join("-".join(map(str, numbers)) for numbers in lists)


def ja3(hello: "ClientHello") -> str:
    """Return the JA3 of a client."""
    return md5(ja3_text(hello).encode(), usedforsecurity=False).hexdigest()


def ja3s(hello: "ServerHello") -> str:
    """Return the JA3S of a server's answer."""
    extensions = known(kind for kind, _ in hello.extensions)
    lists = ([hello.legacy_version], [hello.cipher], extensions)
    text = ",".join("-".join(map(str, numbers)) for numbers in lists)
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def ja4(hello: "ClientHello") -> str:
    """Return the JA4 of a client, over TCP."""
    ciphers = known(hello.ciphers)
    extensions = known(kind for kind, _ in hello.extensions)
    version = JA4_VERSIONS.get(max(hello.versions, default=0), "00")
    named = "d" if SERVER_NAME in extensions else "i"
    counts = f"{min(len(ciphers), 99):02}{min(len(extensions), 99):02}"
    sought = sorted(set_aside(extensions))
    text = comma(sought)
    signatures = known(hello.signatures)
    if signatures:
        text += "_" + comma(signatures)
    return "_".join(
        (
            f"t{version}{named}{counts}{alpn_ends(hello.alpn)}",
            digest(comma(sorted(ciphers))) if ciphers else NOTHING,
            digest(text) if sought else NOTHING,
        )
    )


def set_aside(extensions: list[int]) -> list[int]:
    """Return extensions without those that follow the server that is asked for."""
    return [kind for kind in extensions if kind not in (SERVER_NAME, ALPN)]


def alpn_ends(names: list[str]) -> str:
    """Return the first and last character of the first name; of its hex, if need be."""
    if not names or not names[0]:
        return "00"
    first = names[0]
    ends = first[0] + first[-1]
    if not (ends.isascii() and ends.isalnum()):
        octets = first.encode("latin-1").hex()
        ends = octets[0] + octets[-1]
    return ends


def comma(values: Iterable[int]) -> str:
    """Return numbers as hex, with commas."""
    return ",".join(f"{value:04x}" for value in values)


def digest(text: str) -> str:
    """Return the first twelve digits of the SHA-256 of a text."""
    return sha256(text.encode()).hexdigest()[:12]
