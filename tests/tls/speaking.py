"""TLS as OpenSSL speaks it, with the keys that it logs, and the packets that carry it.

``Session`` has a client and a server in memory: what they write is plaintext, and what
they send are ``turns`` of bytes. ``packets_of`` makes frames of those.
"""

import contextlib
import datetime
import ssl
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.builder import ACK, FIN, PSH, SYN, Conversation

# Who sends, and what.
Turn = tuple[int, bytes]

MSS = 1400
HOST = "tls.example"


@cache
def certificate() -> tuple[bytes, bytes]:
    """Return a certificate of HOST and its key, in PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=36500))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return made.public_bytes(serialization.Encoding.PEM), private


@cache
def certificate_files() -> tuple[str, str]:
    """Return paths of both, which live as long as the tests do."""
    directory = TemporaryDirectory(prefix="unpacket-tls-")
    KEPT.append(directory)
    paths = []
    for name, data in zip(("cert.pem", "key.pem"), certificate(), strict=True):
        path = Path(directory.name) / name
        path.write_bytes(data)
        paths.append(str(path))
    return paths[0], paths[1]


KEPT: list[TemporaryDirectory[str]] = []


class Ends:
    """What clients and servers of one log have in common: contexts, sessions.

    Args:
        log: Where secrets are written.
        version: The only version, such as ``ssl.TLSVersion.TLSv1_3``.
        ciphers: Suites before TLS 1.3, as OpenSSL names them.
        alpn: What both speak.
        client_certificate: Whether the server asks for one.
    """

    def __init__(
        self,
        log: Path,
        version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
        *,
        ciphers: str | None = None,
        alpn: list[str] | None = None,
        client_certificate: bool = False,
    ) -> None:
        self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        cert, key = certificate_files()
        self.server.load_cert_chain(cert, key)
        self.client.check_hostname = False
        self.client.verify_mode = ssl.CERT_NONE
        if client_certificate:
            self.client.load_cert_chain(cert, key)
            self.server.load_verify_locations(cert)
            self.server.verify_mode = ssl.CERT_REQUIRED
        for context in (self.client, self.server):
            context.minimum_version = context.maximum_version = version
            if ciphers is not None:
                context.set_ciphers(ciphers)
            if alpn is not None:
                context.set_alpn_protocols(alpn)
        self.client.keylog_filename = str(log)


class Session:
    """One connection.

    Attributes:
        turns: What was sent so far.
        written: The plaintext of client and server.
    """

    def __init__(self, ends: Ends, session: Any = None) -> None:
        self.turns: list[Turn] = []
        self.written = [bytearray(), bytearray()]
        self._bios = [(ssl.MemoryBIO(), ssl.MemoryBIO()) for _ in range(2)]
        (client_in, client_out), (server_in, server_out) = self._bios
        self.sides = [
            ends.client.wrap_bio(
                client_in, client_out, server_hostname=HOST, session=session
            ),
            ends.server.wrap_bio(server_in, server_out, server_side=True),
        ]
        done = [False, False]
        while not all(done):
            for side in (0, 1):
                if not done[side]:
                    try:
                        self.sides[side].do_handshake()
                        done[side] = True
                    except ssl.SSLWantReadError:
                        pass
                self.move(side)

    def move(self, side: int) -> None:
        """Let the peer have what a side has to send."""
        data = self._bios[side][1].read()
        if data:
            self.turns.append((side, data))
            self._bios[1 - side][0].write(data)

    def write(self, side: int, data: bytes) -> None:
        """Let a side send something, and the other read it."""
        self.written[side] += data
        view = memoryview(data)
        while view:
            view = view[self.sides[side].write(view) :]
        self.move(side)
        while True:
            try:
                if not self.sides[1 - side].read(1 << 20):
                    break
            except ssl.SSLWantReadError:
                break
        self.move(1 - side)

    def ask(self, request: bytes, response: bytes) -> None:
        """Let the client send something, and the server answer."""
        self.write(0, request)
        self.write(1, response)

    def close(self) -> None:
        """Let both say that they are done."""
        for side in (0, 1):
            with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLError):
                self.sides[side].unwrap()
            self.move(side)


def packets_of(
    turns: Iterable[Turn],
    *,
    mss: int = MSS,
    port: int = 443,
    client_port: int = 40000,
    fin: bool = True,
    hosts: tuple[str, str] = ("10.0.0.1", "10.0.0.2"),
    **options: Any,
) -> Conversation:
    """Return the frames of a connection that carries turns.

    Args:
        options: Those of ``Conversation``.
    """
    talk = Conversation((hosts[0], client_port), (hosts[1], port), **options)
    talk.client(0, flags=SYN)
    talk.server(0, ack=1, flags=SYN | ACK)
    talk.client(1, ack=1, flags=ACK)
    sent = [1, 1]
    for side, data in turns:
        for at in range(0, len(data), mss):
            part = data[at : at + mss]
            talk.send(
                1 if side else 0, sent[side], part, ack=sent[1 - side], flags=ACK | PSH
            )
            sent[side] += len(part)
    if fin:
        talk.client(sent[0], ack=sent[1], flags=FIN | ACK)
        talk.server(sent[1], ack=sent[0] + 1, flags=FIN | ACK)
        talk.client(sent[0] + 1, ack=sent[1] + 1, flags=ACK)
    return talk


def records(data: bytes) -> Iterator[bytes]:
    """Give the records of a side."""
    at = 0
    while at < len(data):
        stop = at + 5 + int.from_bytes(data[at + 3 : at + 5])
        yield data[at:stop]
        at = stop
