# cython: nonecheck=False, initializedcheck=False
"""Classic BPF: the programs that libpcap makes of filters, run over frames.

The machine has an accumulator and an index, each of 32 bits, and 16 words of memory,
all of them zero when it starts. A program is checked before it runs: its jumps go
forward and stay inside, so it takes no more steps than it has instructions. A load
from beyond what was captured and a division by zero reject the frame.

McCanne and Jacobson, "The BSD Packet Filter" (1993), and bpf(4); ``mod`` and ``xor``
came later. Letters and numbers in comments are those of bpf(4).
"""

from array import array
from collections.abc import Iterable

from unpacket._core.memory.batch import Batch
from unpacket.sources.native import filtering as native

MEMORY_WORDS = 16
# What a filter of 64 KiB of text becomes is far less, and Linux takes 4096.
MAX_INSTRUCTIONS = 1 << 16
MASK32 = (1 << 32) - 1
BEYOND_32 = 1 << 32

# Loads at a constant, at the index and a constant; of a length or a constant; from
# and to memory; arithmetic with a constant and with the index; the same for jumps.
AT_CONSTANT = frozenset((0x20, 0x28, 0x30, 0xB1))
AT_INDEX = frozenset((0x40, 0x48, 0x50))
NUMBERS = frozenset((0x00, 0x01, 0x80, 0x81))
MEMORY = frozenset((0x60, 0x61, 0x02, 0x03))
OPERATIONS = (0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xA0)
ALU = frozenset((0x84, *[4 | x | n for n in OPERATIONS for x in (0, 8)]))
JUMPS = frozenset([5 | x | n for n in (0x10, 0x20, 0x30, 0x40) for x in (0, 8)])
JUMP_ALWAYS = 0x05
RETURNS = frozenset((0x06, 0x16))
TRANSFERS = frozenset((0x07, 0x87))
KNOWN = (
    AT_CONSTANT | AT_INDEX | NUMBERS | MEMORY | ALU | JUMPS | RETURNS | TRANSFERS
) | {JUMP_ALWAYS}
DIVISIONS = frozenset((0x34, 0x94))
# Linux gives these offsets meanings of its own (SKF_LL_OFF in linux/filter.h): the
# tag of a VLAN that the card took off, say. libpcap uses them on live interfaces only.
EXTENSIONS = 0xFFE00000


class Memory:
    """The words of memory of one run."""

    __slots__ = ("words",)

    def __init__(self) -> None:
        self.words = array("I", bytes(4 * MEMORY_WORDS))


class Program:
    """A filter for frames of one link type.

    Args:
        instructions: ``(code, jt, jf, k)`` each, as in ``struct bpf_insn``.

    Raises:
        ValueError: It is no program that would end, or one for a kernel.
    """

    __slots__ = ("_code", "_jf", "_jt", "_k", "_stores", "length")

    def __init__(self, instructions: Iterable[tuple[int, int, int, int]]) -> None:
        rows = [tuple(row) for row in instructions]
        check(rows)
        self.length = len(rows)
        self._code = array("H", [row[0] for row in rows])
        self._jt = array("B", [row[1] for row in rows])
        self._jf = array("B", [row[2] for row in rows])
        self._k = array("I", [row[3] for row in rows])
        self._stores = any([row[0] in MEMORY for row in rows])

    @property
    def instructions(self) -> list[tuple[int, int, int, int]]:
        """The program as it was given."""
        return [
            (self._code[i], self._jt[i], self._jf[i], self._k[i])
            for i in range(self.length)
        ]

    def run(self, frame: bytes, original: int = 0) -> int:
        """Return what the program says of a frame: 0 rejects it.

        Args:
            original: How long it was on the wire, if that is more than is there.
        """
        batch = Batch.from_frames([(0, frame, 0, max(original, len(frame)))])
        return self._run(batch, 0, Memory())

    def mark(self, batch: Batch, start: int) -> int:
        """Take out of a batch the frames from ``start`` on that are rejected.

        Returns the index of the next frame of another link type, or ``len(batch)``.
        """
        # Compiled, nobody else looks: nonecheck and ``nogil`` exclude each other.
        if batch is None:
            raise TypeError("None is no batch")
        if start < 0 or start >= batch.count:
            raise IndexError(f"frame {start} of {batch.count}")
        return native.mark(self, batch, start, Memory())

    def _mark(self, batch: Batch, i: int, memory: Memory) -> int:
        link_type = batch.link_type[i]
        while i < batch.count and batch.link_type[i] == link_type:
            if batch.passed[i] != 0 and self._run(batch, i, memory) == 0:
                batch.passed[i] = 0
            i += 1
        return i

    def _run(self, batch: Batch, i: int, memory: Memory) -> int:
        """Return what the program says of frame ``i``."""
        start = batch.start[i]
        size = batch.captured[i]
        if self._stores:
            for word in range(MEMORY_WORDS):
                memory.words[word] = 0
        a = 0
        x = 0
        at = 0
        pc = 0
        while True:
            code = self._code[pc]
            k = self._k[pc]
            if code == 0x28:  # ldh [k]
                if k + 2 > size:
                    return 0
                a = batch.data[start + k] << 8 | batch.data[start + k + 1]
            elif code == 0x30:  # ldb [k]
                if k >= size:
                    return 0
                a = batch.data[start + k]
            elif code == 0x20:  # ld [k]
                if k + 4 > size:
                    return 0
                a = (
                    batch.data[start + k] << 24
                    | batch.data[start + k + 1] << 16
                    | batch.data[start + k + 2] << 8
                    | batch.data[start + k + 3]
                )
            elif code == 0x48:  # ldh [x + k]
                # Both are less than 2**32: what is beyond the frame stays beyond it.
                at = x + k
                if at + 2 > size:
                    return 0
                a = batch.data[start + at] << 8 | batch.data[start + at + 1]
            elif code == 0x50:  # ldb [x + k]
                at = x + k
                if at >= size:
                    return 0
                a = batch.data[start + at]
            elif code == 0x40:  # ld [x + k]
                at = x + k
                if at + 4 > size:
                    return 0
                a = (
                    batch.data[start + at] << 24
                    | batch.data[start + at + 1] << 16
                    | batch.data[start + at + 2] << 8
                    | batch.data[start + at + 3]
                )
            elif code == 0xB1:  # ldxb 4 * ([k] & 0xf)
                if k >= size:
                    return 0
                x = (batch.data[start + k] & 0xF) << 2
            elif code == 0x15:  # jeq #k
                pc += self._jt[pc] if a == k else self._jf[pc]
            elif code == 0x45:  # jset #k
                pc += self._jt[pc] if a & k else self._jf[pc]
            elif code == 0x25:  # jgt #k
                pc += self._jt[pc] if a > k else self._jf[pc]
            elif code == 0x35:  # jge #k
                pc += self._jt[pc] if a >= k else self._jf[pc]
            elif code == 0x1D:  # jeq x
                pc += self._jt[pc] if a == x else self._jf[pc]
            elif code == 0x4D:  # jset x
                pc += self._jt[pc] if a & x else self._jf[pc]
            elif code == 0x2D:  # jgt x
                pc += self._jt[pc] if a > x else self._jf[pc]
            elif code == 0x3D:  # jge x
                pc += self._jt[pc] if a >= x else self._jf[pc]
            elif code == 0x05:  # ja
                pc += k
            elif code == 0x06:  # ret #k
                return k
            elif code == 0x16:  # ret a
                return a
            elif code == 0x54:  # and #k
                a &= k
            elif code == 0x80:  # ld #len
                a = batch.original[i]
            elif code == 0x81:  # ldx #len
                x = batch.original[i]
            elif code == 0x00:  # ld #k
                a = k
            elif code == 0x01:  # ldx #k
                x = k
            elif code == 0x60:  # ld M[k]
                a = memory.words[k]
            elif code == 0x61:  # ldx M[k]
                x = memory.words[k]
            elif code == 0x02:  # st M[k]
                memory.words[k] = a
            elif code == 0x03:  # stx M[k]
                memory.words[k] = x
            elif code == 0x07:  # tax
                x = a
            elif code == 0x87:  # txa
                a = x
            elif code == 0x84:  # neg
                a = (BEYOND_32 - a) & MASK32
            else:
                at = x if code & 8 else k
                code &= 0xF0
                if code == 0x00:  # add
                    a = (a + at) & MASK32
                elif code == 0x10:  # sub
                    a = (a + BEYOND_32 - at) & MASK32
                elif code == 0x20:  # mul
                    a = a * at & MASK32
                elif code == 0x40:  # or
                    a |= at
                elif code == 0x50:  # and
                    a &= at
                elif code == 0xA0:  # xor
                    a ^= at
                elif code == 0x60:  # lsh
                    a = a << at & MASK32 if at < 32 else 0
                elif code == 0x70:  # rsh
                    a = a >> at if at < 32 else 0
                elif at == 0:
                    return 0
                elif code == 0x30:  # div
                    a //= at
                else:  # mod
                    a %= at
            pc += 1


def check(rows: list[tuple[int, ...]]) -> None:
    """Look whether instructions are a program that always ends.

    Raises:
        ValueError: They are not; which one, and why.
    """
    if not 1 <= len(rows) <= MAX_INSTRUCTIONS:
        raise ValueError(f"a program has 1 to {MAX_INSTRUCTIONS} instructions")
    for i, row in enumerate(rows):
        if len(row) != 4:
            raise ValueError(f"instruction {i} has {len(row)} numbers, and not 4")
        code, jt, jf, k = row
        fits = 0 <= jt <= 0xFF and 0 <= jf <= 0xFF and 0 <= k <= MASK32
        if not fits or code not in KNOWN:
            raise ValueError(f"instruction {i} is none: {code} {jt} {jf} {k}")
        if code in AT_CONSTANT and k >= EXTENSIONS:
            raise ValueError(
                f"instruction {i} asks Linux for what is not in a frame (offset "
                f"{k - BEYOND_32}), as filters for live interfaces do"
            )
        if code in MEMORY and k >= MEMORY_WORDS:
            raise ValueError(f"instruction {i}: memory ends at word {MEMORY_WORDS - 1}")
        if code in DIVISIONS and k == 0:
            raise ValueError(f"instruction {i} divides by zero")
        far = 0
        if code in JUMPS:
            far = max(jt, jf)
        elif code == JUMP_ALWAYS:
            far = k
        if far >= 1 << 31:
            raise ValueError(f"instruction {i} jumps back, so it might never end")
        if i + 1 + far >= len(rows) and code not in RETURNS:
            raise ValueError(f"instruction {i} leads out of the program")
    if rows[len(rows) - 1][0] not in RETURNS:
        raise ValueError("the last instruction is no return")
