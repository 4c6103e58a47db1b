"""Inputs like those of a corpus, from a seed: what runs where there is no atheris."""

from collections.abc import Iterator
from random import Random
from typing import Literal

MAX_BYTES = 4096
# Where numbers of some bytes turn into something else.
EDGES = [0, 1, 2, 3, 4, 5, 6, 8, 15, 16, 17, 20, 40, 63, 64, 65, 127, 128, 254, 255]


def mutations(corpus: list[bytes], runs: int, seed: int) -> Iterator[bytes]:
    """Give ``runs`` inputs, each an entry of the corpus with a few changes."""
    random = Random(seed)
    for _ in range(runs):
        data = bytearray(random.choice(corpus))
        for _ in range(random.choice((1, 1, 2, 3, 8))):
            mutate(data, random, corpus)
        yield bytes(data[:MAX_BYTES])


def mutate(data: bytearray, random: Random, corpus: list[bytes]) -> None:
    """Change one thing."""
    at = random.randrange(len(data) + 1)
    size = random.choice((1, 1, 2, 4, 8, random.randrange(1, 65)))
    match random.randrange(8):
        case 0:
            del data[at : at + size]
        case 1:
            data[at:at] = random.randbytes(size)
        case 2:
            data[at:at] = data[random.randrange(len(data) + 1) :][:size]
        case 3:
            other = random.choice(corpus)
            start = random.randrange(len(other) + 1)
            data[at:] = other[start:]
        case 4 if at < len(data):
            data[at] ^= 1 << random.randrange(8)
        case 5 if at < len(data):
            data[at] = random.choice(EDGES)
        case 6:
            order: Literal["little", "big"] = random.choice(("little", "big"))
            edge = random.choice(EDGES) << random.choice((0, 8, 16, 24))
            number = (edge - random.randrange(2)) & 0xFFFFFFFF
            width = random.choice((2, 4))
            octets = (number & (1 << 8 * width) - 1).to_bytes(width, order)
            data[at : at + width] = octets
        case 7:
            data[at : at + size] = random.randbytes(size)
