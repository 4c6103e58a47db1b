"""Acknowledgements of bytes that were not seen: what it takes to believe them."""

from unpacket._core.constants import DOUBT_ACK, LOW32, OPEN
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.half import Half, HalfExtra
from unpacket._core.reassembly.segment import Segment
from unpacket._core.reassembly.stream import Stream
from unpacket._core.reassembly.suspects import acknowledged, settle_suspects
from unpacket._core.sequence import delta, unwrap

# So many acknowledgements of bytes that were not seen prove that they were sent.
PROOF = 3


def proves(half: Half, peer: Half, seg: Segment, acked: int) -> bool:
    """Return whether a second acknowledgement of bytes that were not seen proves it.

    A forger may send one twice; whoever goes on in between, and acknowledges no less,
    has got them.
    """
    extra = peer.extra
    if extra is None or extra.claim < 0 or seg.copy or acked < extra.claim:
        return False
    if half.state != OPEN:
        return False
    if seg.frame == extra.claim_frame:
        # Was the segment itself acknowledged? No host takes one with a false number.
        return seg.length > 0 and not seg.doubts & DOUBT_ACK
    if unwrap(seg.seq, half.base_seq, half.next_offset) < extra.claim_stop:
        return False
    extra.claims += 1
    return extra.claims >= PROOF


def claim(half: Half, peer: Half, seg: Segment, acked: int, edge: int) -> None:
    """Remember that ``half`` acknowledges bytes that ``peer`` was not seen to send."""
    extra = peer.more()
    if extra.claims and seg.frame != extra.claim_frame and acked >= extra.claim >= 0:
        # It goes on from there.
        extra.claim_edge = max(extra.claim_edge, edge)
        return
    extra.claim = acked
    extra.claims = 1
    extra.claim_edge = edge
    extra.claim_frame = seg.frame
    extra.claim_stop = 0
    if half.state == OPEN:
        stop = unwrap(seg.seq, half.base_seq, half.next_offset) + seg.length
        extra.claim_stop = stop


def drop_claim(half: Half, peer: Half, seg: Segment) -> None:
    """``half`` acknowledges less: what it seemed to have got was never sent."""
    # It has the claim.
    extra: HalfExtra = peer.extra  # type: ignore[assignment]
    if seg.copy or seg.frame <= extra.claim_frame or half.state != OPEN:
        return
    if unwrap(seg.seq, half.base_seq, half.next_offset) < extra.claim_stop:
        if seg.length == 0:
            # Sent before it, perhaps.
            return
    if half.extra is not None and half.extra.suspects:
        claimed = (peer.base_seq + extra.claim) & LOW32
        for item in half.extra.suspects:
            # The capture may have it twice.
            if item.seg.doubts & DOUBT_ACK and item.seg.ack == claimed:
                item.refuted = True
    extra.claim = -1


def forgive(half: Half, ack: int) -> None:
    """What acknowledges no more than ``ack`` was no forgery."""
    if half.extra is None or not half.extra.suspects:
        return
    for item in half.extra.suspects:
        if item.seg.doubts & DOUBT_ACK and delta(item.seg.ack, ack) <= 0:
            item.seg.doubts &= ~DOUBT_ACK


def prove_claim(
    ctx: Context, stream: Stream, half: Half, peer: Half, missed: bool
) -> bool:
    """``peer`` has sent what ``half`` seemed to have got.

    ``missed`` says that it sends from behind that: the capture has missed it. Else it
    has been seen by now, and who acknowledged it before that may have guessed.

    Returns:
        Whether a limit was reached that closes the stream.
    """
    # It has the claim.
    extra: HalfExtra = peer.extra  # type: ignore[assignment]
    acked = extra.claim
    extra.claim = -1
    if extra.claim_edge > peer.window_edge:
        peer.window_edge = extra.claim_edge
    if acked > peer.sent_edge:
        peer.sent_edge = acked
    if missed and half.extra is not None and half.extra.suspects:
        forgive(half, (peer.base_seq + acked) & LOW32)
        if settle_suspects(ctx, stream, half, peer, half.acked):
            return True
    if acked > peer.acked:
        peer.acked = acked
        return acknowledged(ctx, stream, peer, half)
    return False
