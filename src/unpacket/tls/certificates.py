"""Whose certificates are, by the library ``cryptography`` where it is installed."""

from hashlib import sha256
from typing import Any, NamedTuple

from unpacket.errors import UnpacketError


class MissingCryptography(UnpacketError):
    """The library that reads certificates is not installed."""

    def __str__(self) -> str:
        return (
            "names of certificates need the library cryptography: "
            "pip install unpacket[certificates]"
        )


class Names(NamedTuple):
    """Whose a certificate is (RFC 5280 section 4.1).

    Attributes:
        subject, issuer: As RFC 4514 writes them.
        dns: The names of hosts for which it is good.
        not_before, not_after: When it is good, in RFC 3339; empty where that cannot
            be read.
    """

    subject: str
    issuer: str
    dns: list[str]
    not_before: str
    not_after: str


def names_of(der: bytes) -> Names:
    """Return whose a certificate is; all is empty where it is none.

    Raises:
        MissingCryptography: The library that reads certificates is missing.
    """
    try:
        from cryptography import x509
    except ImportError:
        raise MissingCryptography from None
    try:
        certificate = x509.load_der_x509_certificate(der)
        hosts: list[str] = []
        try:
            found = certificate.extensions.get_extension_for_class(
                x509.SubjectAlternativeName
            )
            hosts = found.value.get_values_for_type(x509.DNSName)
        except x509.ExtensionNotFound:
            pass
        return Names(
            certificate.subject.rfc4514_string(),
            certificate.issuer.rfc4514_string(),
            hosts,
            certificate.not_valid_before_utc.isoformat(),
            certificate.not_valid_after_utc.isoformat(),
        )
    # What it raises of hostile bytes is not its documented ValueError alone.
    except Exception:
        return Names("", "", [], "", "")


def known_names(chain: list[bytes]) -> list[Names]:
    """Return whose certificates are; nothing where nobody can read them."""
    try:
        return [names_of(der) for der in chain]
    except MissingCryptography:
        return []


def certificate_facts(der: bytes) -> dict[str, Any]:
    """Return what is known of a certificate, as JSON has it."""
    facts: dict[str, Any] = {"length": len(der), "sha256": sha256(der).hexdigest()}
    for names in known_names([der]):
        facts |= names._asdict()
    return facts
