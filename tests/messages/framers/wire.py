"""Messages as they are on the wire, made with other code than that which reads them."""

import struct
import zlib

# A name of TLS, a number and a version.
TLS12, TLS13 = 0x0303, 0x0304


def u(size: int, value: int) -> bytes:
    return value.to_bytes(size, "big")


def vector(size: int, data: bytes) -> bytes:
    return u(size, len(data)) + data


# TLS.


def record(kind: int, fragment: bytes, version: int = TLS12) -> bytes:
    return u(1, kind) + u(2, version) + vector(2, fragment)


def handshake(kind: int, body: bytes) -> bytes:
    return u(1, kind) + vector(3, body)


def extension(kind: int, data: bytes = b"") -> bytes:
    return u(2, kind) + vector(2, data)


def server_name(name: bytes) -> bytes:
    return extension(0, vector(2, b"\0" + vector(2, name)))


def alpn(*names: bytes) -> bytes:
    return extension(16, vector(2, b"".join(vector(1, name) for name in names)))


def versions(*numbers: int) -> bytes:
    return extension(43, vector(1, b"".join(u(2, one) for one in numbers)))


def words(numbers: list[int]) -> bytes:
    return b"".join(u(2, number) for number in numbers)


def client_hello(
    ciphers: list[int], extensions: bytes | None, version: int = TLS12
) -> bytes:
    body = u(2, version) + bytes(range(32)) + vector(1, b"") + vector(2, words(ciphers))
    body += b"\x01\0"
    if extensions is not None:
        body += vector(2, extensions)
    return handshake(1, body)


def server_hello(cipher: int, extensions: bytes = b"", version: int = TLS12) -> bytes:
    body = u(2, version) + bytes(range(32)) + vector(1, b"") + u(2, cipher) + b"\0"
    return handshake(2, body + (vector(2, extensions) if extensions else b""))


def certificates(*chain: bytes) -> bytes:
    return handshake(11, vector(3, b"".join(vector(3, one) for one in chain)))


# WebSocket (RFC 6455 section 5.2).


def ws(
    opcode: int,
    payload: bytes,
    *,
    fin: bool = True,
    mask: bytes = b"",
    compressed: bool = False,
    rsv: int = 0,
) -> bytes:
    first = opcode | fin << 7 | compressed << 6 | rsv << 4
    size = len(payload)
    if size < 126:
        length = bytes([size])
    elif size < 1 << 16:
        length = b"\x7e" + u(2, size)
    else:
        length = b"\x7f" + u(8, size)
    if mask:
        length = bytes([length[0] | 0x80]) + length[1:]
        payload = bytes(octet ^ mask[at % 4] for at, octet in enumerate(payload))
    return bytes([first]) + length + mask + payload


class Deflater:
    """Compresses messages as RFC 7692 section 7.2.1 has it."""

    def __init__(self, keeps_context: bool = True) -> None:
        self.keeps_context = keeps_context
        self.state = zlib.compressobj(wbits=-15)

    def compress(self, data: bytes) -> bytes:
        if not self.keeps_context:
            self.state = zlib.compressobj(wbits=-15)
        found = self.state.compress(data) + self.state.flush(zlib.Z_SYNC_FLUSH)
        assert found.endswith(b"\0\0\xff\xff")
        return found[:-4]


def upgrade(extensions: str = "") -> tuple[bytes, bytes]:
    """Return a request and a response that open a WebSocket."""
    lines = f"Sec-WebSocket-Extensions: {extensions}\r\n" if extensions else ""
    asked = f"GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n{lines}\r\n"
    answered = f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n{lines}\r\n"
    return asked.encode(), answered.encode()


# DNS (RFC 1035 section 4).


def name(text: str) -> bytes:
    labels = text.rstrip(".").split(".") if text.strip(".") else []
    return b"".join(vector(1, label.encode()) for label in labels) + b"\0"


def question(text: str, kind: int = 1) -> bytes:
    return name(text) + struct.pack(">2H", kind, 1)


def resource(owner: bytes, kind: int, data: bytes, ttl: int = 300) -> bytes:
    return owner + struct.pack(">HHI", kind, 1, ttl) + vector(2, data)


def dns(
    questions: list[bytes],
    answers: list[bytes] | None = None,
    *,
    number: int = 7,
    flags: int | None = None,
    additional: list[bytes] | None = None,
) -> bytes:
    """Return a message with its length before it; a response if there are answers."""
    if flags is None:
        flags = 0x0100 if answers is None else 0x8180
    counts = (len(questions), len(answers or ()), 0, len(additional or ()))
    head = struct.pack(">6H", number, flags, *counts)
    parts = [head, *questions, *(answers or ()), *(additional or ())]
    return vector(2, b"".join(parts))
