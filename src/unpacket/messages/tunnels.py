"""What bytes are that no framer was given for, by the first of them."""

import re

# RFC 8446 section 5.1, RFC 9113 section 3.4, RFC 4253 section 4.2.
MAGICS = (
    (b"\x16\x03", "tls"),
    (b"PRI * HTTP/2.0\r\n", "http2"),
    (b"SSH-", "ssh"),
    (b"HTTP/1.", "http"),
)
# A method and the target behind it; longer methods are not in use in a tunnel.
REQUEST = re.compile(rb"[A-Z]{3,9} (?:/|\*|http)")

LONGEST_MAGIC = max(len(magic) for magic, _ in MAGICS)


def recognise(data: bytes, start: int) -> str:
    """Return the name of a protocol that begins so, or ``unknown``."""
    for magic, name in MAGICS:
        if data.startswith(magic, start):
            return name
    return "unknown" if REQUEST.match(data, start) is None else "http"
