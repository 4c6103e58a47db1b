"""A TCP segment outside of its batch."""


class Segment:
    """One TCP segment outside of its batch.

    Attributes:
        payload: What was captured of its payload, or None while that has not been
            copied from the batch.
        length: Payload bytes on the wire.
        checksum: 0 not judged, 1 good, 2 bad, 3 left to the network card.
        copy: Whether the capture has it twice, and this is the second.
        counted: Whether it was counted as a retransmission.
        doubts: Why it is not clear that the receiver took it, as bits.
    """

    __slots__ = (
        "ack",
        "captured",
        "checksum",
        "copy",
        "counted",
        "doubts",
        "flags",
        "frame",
        "has_timestamp",
        "length",
        "mss",
        "payload",
        "sack_permitted",
        "sacks",
        "seq",
        "time_ns",
        "tsval",
        "ttl",
        "urgent",
        "window",
        "wscale",
    )

    ack: int
    captured: int
    checksum: int
    copy: bool
    counted: bool
    doubts: int
    flags: int
    frame: int
    has_timestamp: bool
    length: int
    mss: int
    payload: bytes | None
    sack_permitted: bool
    sacks: list[tuple[int, int]] | None
    seq: int
    time_ns: int
    tsval: int
    ttl: int
    urgent: int
    window: int
    wscale: int
