"""Segments of one direction that overlap: the reassembler of bytes says what comes."""

from fuzz.choices import Choices
from tests.overlapping import OVERLAPS, Overlapping

ISNS = [1000, (1 << 32) - 2, (1 << 32) - 20, (1 << 31) - 8, 0, (1 << 32) - 1]
MOST_SEGMENTS = 40
# Two letters, so that copies often agree and often do not.
LETTERS = bytes(b"ab"[n & 1] for n in range(256))


def check(data: bytes) -> None:
    choices = Choices(data)
    overlap = choices.pick(OVERLAPS)
    sent = Overlapping(overlap, client_isn=choices.pick(ISNS))
    while choices.more and len(sent.talk.frames) < MOST_SEGMENTS:
        offset = choices.byte() % 64 - 6
        payload = choices.octets(2 + choices.byte() % 20).translate(LETTERS)
        if len(payload) < 2:
            break
        sent.send(offset, payload)
    sent.finish()
