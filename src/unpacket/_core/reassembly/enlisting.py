"""From a stream of objects to a row of the ledger, and back.

A stream in which nothing unusual is under way is ``enlisted``: what changes of it
stands in a row of the ledger, and its halves are no objects unless they have a
HalfExtra; so it stays below 400 bytes. ``recall`` turns it back; whoever acts on a
stream does that first.
"""

from unpacket._core.constants import (
    KEY_A_HI,
    KEY_A_LO,
    KEY_B_HI,
    KEY_B_LO,
    KEY_OWNER,
    KEY_PORTS,
    OWNER_SHIFT,
    ROW_A,
    ROW_B,
    ROW_LAST,
    ROW_SEEN,
    ROW_WORDS,
    SIMPLE,
    ZERO_WINDOW,
)
from unpacket._core.reassembly.half import Half
from unpacket._core.reassembly.half_row import write_half
from unpacket._core.reassembly.ledger import Ledger
from unpacket._core.reassembly.stream import Stream, side


def ordinary(half: Half | None) -> bool:
    """Return whether nothing unusual is under way in a half."""
    return (
        half is not None
        and half.flags & (SIMPLE | ZERO_WINDOW) == SIMPLE
        and half.acked >= 0
        and half.sent_edge == half.next_offset
    )


def enlist(stream: Stream, ledger: Ledger) -> bool:
    """Let a stream go on as a row of the ledger, if both its halves are ordinary.

    Returns:
        Whether it does.
    """
    if stream.reset is not None:
        return False
    if not ordinary(stream.half_a) or not ordinary(stream.half_b):
        return False
    row = ledger.take()
    at = ROW_WORDS * row
    ledger.unsigned[at + KEY_A_LO] = stream.a_lo
    ledger.unsigned[at + KEY_B_LO] = stream.b_lo
    ledger.unsigned[at + KEY_A_HI] = stream.a_hi
    ledger.unsigned[at + KEY_B_HI] = stream.b_hi
    word = stream.context
    ledger.unsigned[at + KEY_PORTS] = word << 32 | stream.ports
    ledger.signed[at + KEY_OWNER] = stream.slot << OWNER_SHIFT | stream.family
    ledger.signed[at + ROW_SEEN] = stream.seen_ns
    ledger.signed[at + ROW_LAST] = stream.latest_ns
    # Both are there: they are ordinary.
    half: Half = stream.half_a  # type: ignore[assignment]
    write_half(half, ledger, at + ROW_A)
    if half.extra is None:
        stream.half_a = None
    half = stream.half_b  # type: ignore[assignment]
    write_half(half, ledger, at + ROW_B)
    if half.extra is None:
        stream.half_b = None
    stream.ledger = ledger
    stream.row = row
    return True


def recall(stream: Stream) -> None:
    """Let a stream be objects again, to act on them."""
    if stream.row < 0:
        return
    stream.half_a = side(stream, True)
    stream.half_b = side(stream, False)
    # What is enlisted has one.
    ledger: Ledger = stream.ledger  # type: ignore[assignment]
    stream.seen_ns = seen(stream)
    stream.latest_ns = ledger.signed[ROW_WORDS * stream.row + ROW_LAST]
    ledger.give_back(stream.row)
    stream.row = -1


def seen(stream: Stream) -> int:
    """Return when, by the clock that never goes back, a packet of a stream came."""
    if stream.row < 0:
        return stream.seen_ns
    # What is enlisted has one.
    ledger: Ledger = stream.ledger  # type: ignore[assignment]
    return ledger.signed[ROW_WORDS * stream.row + ROW_SEEN]
