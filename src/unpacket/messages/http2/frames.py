"""What a frame of HTTP/2 looks like (RFC 9113 section 4.1 and 6)."""

from typing import NamedTuple

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

HEADER = 9

(
    DATA,
    HEADERS,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    PUSH_PROMISE,
    PING,
    GOAWAY,
    WINDOW_UPDATE,
    CONTINUATION,
) = range(10)

END_STREAM, ACK, END_HEADERS, PADDED, HAS_PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20

# The flags that a type has.
FLAGS = {
    DATA: END_STREAM | PADDED,
    HEADERS: END_STREAM | END_HEADERS | PADDED | HAS_PRIORITY,
    PRIORITY: 0,
    RST_STREAM: 0,
    SETTINGS: ACK,
    PUSH_PROMISE: END_HEADERS | PADDED,
    PING: ACK,
    GOAWAY: 0,
    WINDOW_UPDATE: 0,
    CONTINUATION: END_HEADERS,
}
# Those of a length that is always the same.
SIZES = {PRIORITY: 5, RST_STREAM: 4, PING: 8, WINDOW_UPDATE: 4}
# Those that are about the connection, and those that are about a stream of it.
OF_CONNECTION = {SETTINGS, PING, GOAWAY}
OF_STREAM = {DATA, HEADERS, PRIORITY, RST_STREAM, PUSH_PROMISE, CONTINUATION}

# What may be in a frame: 16 KiB, unless its receiver has allowed more. Who does allows
# up to 1 MiB in practice.
MAX_LENGTH = 1 << 20

HEADER_TABLE_SIZE = 1

ERRORS = (
    "no_error",
    "protocol_error",
    "internal_error",
    "flow_control_error",
    "settings_timeout",
    "stream_closed",
    "frame_size_error",
    "refused_stream",
    "cancel",
    "compression_error",
    "connect_error",
    "enhance_your_calm",
    "inadequate_security",
    "http_1_1_required",
)


class Frame(NamedTuple):
    """The header of a frame.

    Attributes:
        length: How many bytes follow the header.
        kind: Its type.
        stream: The number of the stream of HTTP/2; 0 for the connection.
    """

    length: int
    kind: int
    flags: int
    stream: int


def frame_at(data: bytes | bytearray, at: int) -> Frame:
    """Return the header at ``at``; its nine bytes are there."""
    return Frame(
        int.from_bytes(data[at : at + 3]),
        data[at + 3],
        data[at + 4],
        int.from_bytes(data[at + 5 : at + 9]) & 0x7FFFFFFF,
    )


def is_plausible(frame: Frame) -> bool:
    """Return whether it may be the header of a frame that somebody sent."""
    length, kind, flags, stream = frame
    if kind not in FLAGS or length > MAX_LENGTH or flags & ~FLAGS[kind]:
        return False
    if kind in SIZES and length != SIZES[kind]:
        return False
    if kind == SETTINGS and (length % 6 or (flags & ACK and length)):
        return False
    if kind == GOAWAY and length < 8:
        return False
    if kind in OF_CONNECTION:
        return stream == 0
    return stream != 0 or kind == WINDOW_UPDATE


def chain(
    data: bytes | bytearray, at: int, wanted: int, most: int = MAX_LENGTH
) -> tuple[int, bool]:
    """Return how many frames follow each other, up to ``wanted``; 0 if one is none.

    And whether the data ends before that many, so that more of it may say more.

    Args:
        most: How long each may be.
    """
    count = 0
    size = len(data)
    while count < wanted:
        if size - at < HEADER:
            return count, True
        frame = frame_at(data, at)
        if not is_plausible(frame) or frame.length > most:
            return 0, False
        count += 1
        at += HEADER + frame.length
        if at > size:
            return count, count < wanted
    return count, False


def error_name(code: int) -> str:
    """Return the name of an error code; its number where it has none."""
    return ERRORS[code] if code < len(ERRORS) else str(code)
