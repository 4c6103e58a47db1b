"""Any numbers are a BPF program or refused, and a program ends on any frame."""

from fuzz.choices import Choices
from unpacket import Batch
from unpacket.sources.bpf.machine import JUMP_ALWAYS, KNOWN, MEMORY, Program

CODES = sorted(KNOWN)
MOST_INSTRUCTIONS = 40
MEMORY_WORDS = 16
ETHERNET = 1
NEIGHBOUR = bytes(range(64))


def check(data: bytes) -> None:
    choices = Choices(data)
    wild = choices.byte() >= 0xE0
    count = choices.byte() % MOST_INSTRUCTIONS
    rows = []
    for left in range(count, 0, -1):
        code = choices.pick(CODES)
        jumps = choices.byte(), choices.byte()
        k = choices.number(4 if choices.flag() else 1)
        if not wild:
            # Within the program, so that most are programs.
            jumps = jumps[0] % left, jumps[1] % left
            if code in MEMORY:
                k %= MEMORY_WORDS
            elif code == JUMP_ALWAYS:
                k %= left
        rows.append((code, *jumps, k))
    rows.append((0x16, 0, 0, 0))
    original = choices.byte()
    frame = choices.rest()
    try:
        program = Program(rows)
    except ValueError as error:
        assert str(error)
        return
    assert program.instructions == rows
    answer = program.run(frame, max(original, len(frame)))
    assert 0 <= answer < 1 << 32
    row = (0, frame, ETHERNET, max(original, len(frame)))
    neighbour = (0, NEIGHBOUR, ETHERNET, len(NEIGHBOUR))
    batch = Batch.from_frames([neighbour, row, neighbour])
    batch.begin_filter()
    assert program.mark(batch, 0) == len(batch) == 3
    aside = program.run(NEIGHBOUR) != 0
    assert [bool(batch.passed[i]) for i in range(3)] == [aside, answer != 0, aside]
