"""What a record looks like from outside (RFC 8446 section 5.1), and what is lost."""

import re

HEADER = 5

# What TLS 1.2 lets a ciphertext have (RFC 5246 section 6.2.3).
MAX_FRAGMENT = (1 << 14) + 2048

# Type, version, and a length that may be one.
RECORD = re.compile(
    rb"[\x14-\x18]\x03[\x00-\x04](?:[\x00-\x3f]|[\x40-\x47]|\x48(?=\x00)).", re.DOTALL
)
BEGINNING = re.compile(rb"[\x14-\x18](?:\Z|\x03(?:\Z|[\x00-\x04](?:\Z|[\x00-\x48]\Z)))")

# The reason of a gap in what records carry whose length is not certain: it is the most
# that they may have had.
NOT_DECRYPTED = "not_decrypted"


def is_record(data: bytes | bytearray, at: int) -> bool:
    """Return whether a record may begin there, as far as its header has come."""
    if len(data) - at < HEADER:
        return BEGINNING.match(data, at) is not None
    return RECORD.match(data, at) is not None
