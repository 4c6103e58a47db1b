"""What a tunnel carries, by its first bytes."""

# RFC 8446 section 5.1, RFC 9113 section 3.4, RFC 4253 section 4.2.
MAGICS = (
    (b"\x16\x03", "tls"),
    (b"PRI * HTTP/2.0\r\n", "http2"),
    (b"SSH-", "ssh"),
)

LONGEST_MAGIC = max(len(magic) for magic, _ in MAGICS)


def recognise(data: bytes, start: int) -> str:
    """Return the name of a protocol that begins so, or ``unknown``."""
    for magic, name in MAGICS:
        if data.startswith(magic, start):
            return name
    return "unknown"
