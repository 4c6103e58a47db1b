"""Octets, names and numbers that the modules of HTTP share."""

CR = 13
LF = 10
SPACE = 32
TAB = 9
COLON = 58
SEMICOLON = 59

# What `parse_head` returns beside the offset of the end.
INCOMPLETE = -1

NO_LENGTH = -1
BAD_LENGTH = -2

# The greatest length that is one (RFC 9110 section 8.6 knows no bound; offsets do).
MAX_LENGTH = (1 << 63) - 1

# The longest method; the longest that is registered has 17 letters.
MAX_METHOD = 64

OTHER = 0
HEAD = 1
CONNECT = 2

# Where a half is in its body, see `chunks`.
HEADS = 0
SIZE = 1
NEXT_SIZE = 2

NO_CODING = 0
CHUNKED = 1
NOT_CHUNKED = 2

TOKEN = bytes(
    chr(octet) in "!#$%&'*+-.^_`|~" or (chr(octet).isalnum() and octet < 128)
    for octet in range(256)
)

CONTENT_LENGTH = b"content-length"
TRANSFER_ENCODING = b"transfer-encoding"
UPGRADE = b"upgrade"
