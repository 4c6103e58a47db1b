"""Programs of classic BPF: each instruction, and what is no program."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unpacket import Assembler, Batch
from unpacket.sources.bpf.machine import Program

Row = tuple[int, int, int, int]

FRAME = bytes(range(0x10, 0x30))
LAST = (1 << 32) - 1
RETURN_A = (0x16, 0, 0, 0)


def ld(k: int) -> Row:
    return (0x00, 0, 0, k)


def ldx(k: int) -> Row:
    return (0x01, 0, 0, k)


def ret(k: int) -> Row:
    return (0x06, 0, 0, k)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([ret(7)], 7, id="ret #k"),
        pytest.param([ret(LAST)], LAST, id="ret #k, all bits"),
        pytest.param([ld(5), RETURN_A], 5, id="ret a"),
        pytest.param([RETURN_A], 0, id="the accumulator is zero at first"),
        pytest.param([(0x30, 0, 0, 2), RETURN_A], 0x12, id="ldb [k]"),
        pytest.param([(0x28, 0, 0, 2), RETURN_A], 0x1213, id="ldh [k]"),
        pytest.param([(0x20, 0, 0, 2), RETURN_A], 0x12131415, id="ld [k]"),
        pytest.param([ldx(3), (0x50, 0, 0, 2), RETURN_A], 0x15, id="ldb [x + k]"),
        pytest.param([ldx(3), (0x48, 0, 0, 2), RETURN_A], 0x1516, id="ldh [x + k]"),
        pytest.param([ldx(3), (0x40, 0, 0, 2), RETURN_A], 0x15161718, id="ld [x + k]"),
        pytest.param([(0xB1, 0, 0, 5), (0x87, 0, 0, 0), RETURN_A], 20, id="ldxb"),
        pytest.param([(0x80, 0, 0, 0), RETURN_A], 1500, id="ld #len"),
        pytest.param([(0x81, 0, 0, 0), (0x87, 0, 0, 0), RETURN_A], 1500, id="ldx #len"),
        pytest.param([ldx(9), (0x87, 0, 0, 0), RETURN_A], 9, id="ldx #k, txa"),
        pytest.param(
            [ld(9), (0x07, 0, 0, 0), ld(1), (0x87, 0, 0, 0), RETURN_A], 9, id="tax"
        ),
        pytest.param(
            [ld(8), (0x02, 0, 0, 15), ld(0), (0x60, 0, 0, 15), RETURN_A],
            8,
            id="st, ld M[15]",
        ),
        pytest.param(
            [ldx(8), (3, 0, 0, 0), ldx(0), (0x61, 0, 0, 0), (0x87, 0, 0, 0), RETURN_A],
            8,
            id="stx, ldx M[0]",
        ),
        pytest.param([(0x60, 0, 0, 3), RETURN_A], 0, id="memory is zero at first"),
        pytest.param([ld(LAST), (0x04, 0, 0, 3), RETURN_A], 2, id="add wraps"),
        pytest.param([ld(2), (0x14, 0, 0, 3), RETURN_A], LAST, id="sub wraps"),
        pytest.param([ld(LAST), (0x24, 0, 0, LAST), RETURN_A], 1, id="mul wraps"),
        pytest.param([ld(LAST), (0x34, 0, 0, 2), RETURN_A], LAST // 2, id="div"),
        pytest.param([ld(17), (0x94, 0, 0, 5), RETURN_A], 2, id="mod"),
        pytest.param([ld(6), (0x44, 0, 0, 9), RETURN_A], 15, id="or"),
        pytest.param([ld(6), (0x54, 0, 0, 3), RETURN_A], 2, id="and"),
        pytest.param([ld(6), (0xA4, 0, 0, 3), RETURN_A], 5, id="xor"),
        pytest.param([ld(3), (0x64, 0, 0, 31), RETURN_A], 1 << 31, id="lsh"),
        pytest.param([ld(3), (0x64, 0, 0, 32), RETURN_A], 0, id="lsh by all bits"),
        pytest.param([ld(LAST), (0x74, 0, 0, 31), RETURN_A], 1, id="rsh"),
        pytest.param([ld(LAST), (0x74, 0, 0, LAST), RETURN_A], 0, id="rsh by more"),
        pytest.param([ld(1), (0x84, 0, 0, 0), RETURN_A], LAST, id="neg"),
        pytest.param([ld(0), (0x84, 0, 0, 0), RETURN_A], 0, id="neg of zero"),
        pytest.param([ld(7), ldx(2), (0x0C, 0, 0, 0), RETURN_A], 9, id="add x"),
        pytest.param([ld(7), ldx(2), (0x1C, 0, 0, 0), RETURN_A], 5, id="sub x"),
        pytest.param([ld(7), ldx(2), (0x2C, 0, 0, 0), RETURN_A], 14, id="mul x"),
        pytest.param([ld(7), ldx(2), (0x3C, 0, 0, 0), RETURN_A], 3, id="div x"),
        pytest.param([ld(7), ldx(2), (0x9C, 0, 0, 0), RETURN_A], 1, id="mod x"),
        pytest.param([ld(7), (0x3C, 0, 0, 0), ret(1)], 0, id="div by zero rejects"),
        pytest.param([ld(7), (0x9C, 0, 0, 0), ret(1)], 0, id="mod by zero rejects"),
        pytest.param([ld(7), ldx(2), (0x4C, 0, 0, 0), RETURN_A], 7, id="or x"),
        pytest.param([ld(7), ldx(2), (0x5C, 0, 0, 0), RETURN_A], 2, id="and x"),
        pytest.param([ld(7), ldx(2), (0xAC, 0, 0, 0), RETURN_A], 5, id="xor x"),
        pytest.param([ld(7), ldx(2), (0x6C, 0, 0, 0), RETURN_A], 28, id="lsh x"),
        pytest.param([ld(7), ldx(2), (0x7C, 0, 0, 0), RETURN_A], 1, id="rsh x"),
        pytest.param([ld(7), ldx(40), (0x6C, 0, 0, 0), RETURN_A], 0, id="lsh x by 40"),
        pytest.param([(0x05, 0, 0, 1), ret(1), ret(2)], 2, id="ja"),
    ],
)
def test_an_instruction_does_what_bpf_4_says(rows: list[Row], expected: int) -> None:
    assert Program(rows).run(FRAME, 1500) == expected
    assert Program(rows).instructions == rows


@pytest.mark.parametrize(
    ("code", "against", "taken"),
    [
        pytest.param(0x10, 5, True, id="jeq"),
        pytest.param(0x10, 6, False, id="jeq, not"),
        pytest.param(0x20, 4, True, id="jgt"),
        pytest.param(0x20, 5, False, id="jgt, not"),
        pytest.param(0x30, 5, True, id="jge"),
        pytest.param(0x30, 6, False, id="jge, not"),
        pytest.param(0x40, 4, True, id="jset"),
        pytest.param(0x40, 2, False, id="jset, not"),
    ],
)
def test_a_jump_goes_one_way_or_the_other(code: int, against: int, taken: bool) -> None:
    for rows in (
        [ld(5), (code | 0x05, 1, 0, against), ret(1), ret(2)],
        [ld(5), ldx(against), (code | 0x0D, 1, 0, 0), ret(1), ret(2)],
    ):
        assert Program(rows).run(FRAME) == (2 if taken else 1)


@pytest.mark.parametrize(
    ("code", "size"), [(0x30, 1), (0x28, 2), (0x20, 4), (0x50, 1), (0x48, 2), (0x40, 4)]
)
@pytest.mark.parametrize("at", [0, 5, 40, LAST])
def test_a_load_beyond_what_was_captured_rejects(code: int, size: int, at: int) -> None:
    if at == LAST and code < 0x40:
        return
    for index in (0, 1, LAST) if code >= 0x40 else (0,):
        program = Program([ldx(index), (code, 0, 0, at), ret(1)])
        for captured in range(50):
            inside = index + at + size <= captured
            # That it was longer on the wire does not bring its bytes back.
            assert program.run(bytes(captured), 1500) == inside


@pytest.mark.parametrize("captured", range(4))
def test_the_length_of_a_header_is_bounded_too(captured: int) -> None:
    assert Program([(0xB1, 0, 0, 2), ret(1)]).run(bytes(captured)) == (captured > 2)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        pytest.param([], "1 to", id="none"),
        pytest.param([ret(1)] * 65537, "1 to", id="too many"),
        pytest.param([ld(1)], "leads out", id="no return"),
        pytest.param([ret(1), ld(1)], "leads out", id="the last is no return"),
        pytest.param([(0x05, 0, 0, 1), ret(1)], "leads out", id="ja beyond the end"),
        pytest.param([(0x15, 1, 0, 0), ret(1)], "leads out", id="jt beyond the end"),
        pytest.param([(0x15, 0, 1, 0), ret(1)], "leads out", id="jf beyond the end"),
        pytest.param([(0x05, 0, 0, LAST), ret(1)], "jumps back", id="backwards"),
        pytest.param([(0x1234, 0, 0, 0), ret(1)], "is none", id="unknown opcode"),
        pytest.param([(0x0E, 0, 0, 0), ret(1)], "is none", id="ret x"),
        pytest.param([(0xFFFF, 0, 0, 0), ret(1)], "is none", id="unknown, all bits"),
        pytest.param([(-1, 0, 0, 0), ret(1)], "is none", id="negative opcode"),
        pytest.param([(0x15, 256, 0, 0), ret(1)], "is none", id="jt too large"),
        pytest.param([ld(-1), ret(1)], "is none", id="negative constant"),
        pytest.param([ld(1 << 32), ret(1)], "is none", id="33 bits"),
        pytest.param([(0x60, 0, 0, 16), ret(1)], "memory ends", id="ld M[16]"),
        pytest.param([(0x03, 0, 0, 16), ret(1)], "memory ends", id="stx M[16]"),
        pytest.param([(0x34, 0, 0, 0), ret(1)], "divides by zero", id="div #0"),
        pytest.param([(0x94, 0, 0, 0), ret(1)], "divides by zero", id="mod #0"),
        pytest.param([(0x28, 0, 0, 0xFFFFF02C), ret(1)], "-4052", id="VLAN of Linux"),
        pytest.param([(6, 0, 0)], "3 numbers", id="three numbers"),
    ],
)
def test_what_is_no_program_is_refused(rows: list[Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Program(rows)


def test_there_is_no_batch_to_mark() -> None:
    with pytest.raises(TypeError):
        Program([ret(1)]).mark(None, 0)  # type: ignore[arg-type]
    with pytest.raises(IndexError):
        Program([ret(1)]).mark(Batch(), 0)


def test_marking_ends_at_another_link_type_and_gives_nothing_back() -> None:
    batch = Batch.from_frames([(0, b"abc", n) for n in (1, 1, 101, 1)], 7)
    batch.begin_filter()
    assert list(batch.passed[:4]) == [1, 1, 1, 1]
    assert Program([ret(0)]).mark(batch, 0) == 2
    assert list(batch.passed[:4]) == [0, 0, 1, 1]
    batch.begin_filter()
    assert Program([ret(1)]).mark(batch, 0) == 2
    assert list(batch.passed[:4]) == [0, 0, 1, 1]


def test_a_frame_that_is_rejected_is_counted_and_not_decoded() -> None:
    batch = Batch.from_frames([(n, b"no TCP in here", 1) for n in range(2048)])
    batch.begin_filter()
    assert Program([(0x80, 0, 0, 0), (0x15, 0, 1, 14), ret(0), ret(1)]).mark(batch, 0)
    assembler = Assembler()
    assert assembler.feed(batch) == []
    assert assembler.counters == {"filtered": 2048}
    # Who fills the batch again begins anew.
    batch.attach(b"", 0, 1)
    assert not batch.filtered


@given(
    st.lists(
        st.tuples(
            st.sampled_from((0, 1, 2, 4, 5, 6, 0x15, 0x20, 0x48, 0x3C, 0x16, 0xFFFF)),
            st.integers(0, 3),
            st.integers(0, 3),
            st.integers(0, 20) | st.integers(0, LAST),
        ),
        max_size=20,
    ),
    st.binary(max_size=64),
)
def test_any_numbers_are_refused_or_end(rows: list[Row], frame: bytes) -> None:
    try:
        program = Program([*rows, ret(1)])
    except ValueError:
        return
    assert 0 <= program.run(frame) <= LAST
