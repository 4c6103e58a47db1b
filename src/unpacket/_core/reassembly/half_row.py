"""A half as the numbers of a row of the ledger."""

from unpacket._core.constants import (
    COPY_SHIFT,
    LOW32,
    MSS_SHIFT,
    ONE_COPY,
    OPEN,
    ROW_ACKED,
    ROW_BYTES,
    ROW_FLAGS,
    ROW_NEXT,
    ROW_PACKETS,
    ROW_RECORD,
    ROW_SEQ,
    ROW_WINDOW,
    SCALE_SHIFT,
    SCALING_SHIFT,
    TTL_SHIFT,
)
from unpacket._core.reassembly.half import Half
from unpacket._core.reassembly.ledger import Ledger


def read_half(half: Half, ledger: Ledger, at: int) -> None:
    """Let a half say what the row of its stream says from ``at`` on."""
    half.next_offset = ledger.signed[at + ROW_NEXT]
    half.sent_edge = half.next_offset
    half.acked = ledger.signed[at + ROW_ACKED]
    half.window_edge = ledger.signed[at + ROW_WINDOW]
    half.payload_bytes = ledger.signed[at + ROW_BYTES]
    count = ledger.unsigned[at + ROW_PACKETS]
    half.packets = count & (ONE_COPY - 1)
    half.duplicates = count >> COPY_SHIFT
    half.last_record = ledger.signed[at + ROW_RECORD]
    word = ledger.unsigned[at + ROW_SEQ]
    half.base_seq = word & LOW32
    half.ts_recent = word >> 32
    word = ledger.unsigned[at + ROW_FLAGS]
    half.flags = word & 0xFFFF
    half.ttl = word >> TTL_SHIFT & 0xFF
    half.shift = word >> SCALING_SHIFT & 0xFF
    half.mss = word >> MSS_SHIFT & 0xFFFF
    half.scale = word >> SCALE_SHIFT & 0xFF
    half.state = OPEN


def write_half(half: Half, ledger: Ledger, at: int) -> None:
    """Write what ``read_half`` reads, from ``at`` on."""
    ledger.signed[at + ROW_NEXT] = half.next_offset
    ledger.signed[at + ROW_ACKED] = half.acked
    ledger.signed[at + ROW_WINDOW] = half.window_edge
    ledger.signed[at + ROW_BYTES] = half.payload_bytes
    # More than these 28 bits hold no capture has of one direction.
    count = half.duplicates & 0xFFFFFFF
    ledger.unsigned[at + ROW_PACKETS] = count << COPY_SHIFT | half.packets
    ledger.signed[at + ROW_RECORD] = half.last_record
    word = half.ts_recent
    ledger.unsigned[at + ROW_SEQ] = word << 32 | half.base_seq
    word = half.scale
    word = word << 16 | half.mss
    word = word << 8 | half.shift
    word = word << 8 | half.ttl
    ledger.unsigned[at + ROW_FLAGS] = word << 16 | half.flags
