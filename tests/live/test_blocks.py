"""Frames of a block of the ring, against what was put into it."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builder import Conversation
from tests.live.blocks import (
    BLOCK_HEADER,
    HAS_VLAN,
    HAS_VLAN_TYPE,
    NOT_READY,
    OFFLOADED,
    VALID,
    Shown,
    block_of,
)
from unpacket import Assembler, Batch
from unpacket.sources.live.blocks import BlockReader

ETHERNET = 1
RAW = 101
SLL2 = 276
OUTGOING = 4
LOOPBACK = 772

MACS = bytes(range(12))
PLAIN = MACS + b"\x08\x00" + b"payload"


def read(
    block: bytes,
    frames: int,
    link_type: int = ETHERNET,
    *,
    incoming: bool = True,
    outgoing: bool = True,
    capacity: int = 2048,
) -> tuple[list[tuple[bytes, int, int, int, int]], BlockReader]:
    """Return bytes, original length, time, interface and flags of each frame."""
    reader = BlockReader(link_type, incoming, outgoing)
    reader.begin(BLOCK_HEADER, frames)
    memory = bytearray(block)
    found: list[tuple[bytes, int, int, int, int]] = []
    while True:
        batch = Batch(capacity)
        batch.attach(memory, len(memory), 1)
        if not reader.fill(batch, memory):
            assert not reader.left
            return found, reader
        for i in range(batch.count):
            start = batch.start[i]
            found.append(
                (
                    bytes(memory[start : start + batch.captured[i]]),
                    batch.original[i],
                    batch.time_ns[i],
                    batch.interface[i] if batch.has_interfaces else 0,
                    batch.flags[i],
                )
            )


def shown(**fields: Any) -> Shown:
    return Shown(**fields)


SHOWN = st.builds(
    shown,
    data=st.binary(min_size=14, max_size=90),
    time_ns=st.integers(0, (1 << 32) * 10**9 - 1),
    status=st.sampled_from([0, NOT_READY, VALID, OFFLOADED | NOT_READY]),
    device=st.integers(1, 5),
    kind=st.integers(0, OUTGOING),
    hardware=st.sampled_from([ETHERNET, LOOPBACK]),
    room=st.sampled_from([16, 30, 40]),
)


@given(
    st.lists(SHOWN, max_size=12),
    st.booleans(),
    st.booleans(),
    st.integers(1, 5),
)
def test_every_frame_that_is_wanted_comes_once_and_whole(
    shown: list[Shown], incoming: bool, outgoing: bool, capacity: int
) -> None:
    found, reader = read(
        block_of(shown),
        len(shown),
        incoming=incoming,
        outgoing=outgoing,
        capacity=capacity,
    )
    wanted = [
        one
        for one in shown
        if (outgoing if one.kind == OUTGOING else incoming)
        and not (one.kind == OUTGOING and one.hardware == LOOPBACK and incoming)
    ]
    assert [(row[0], row[1], row[2]) for row in found] == [
        (one.data, len(one.data), one.time_ns) for one in wanted
    ]
    devices = list(dict.fromkeys(one.device for one in wanted))
    assert list(reader.devices[: reader.device_count]) == devices
    assert [devices[row[3]] for row in found] == [one.device for one in wanted]
    assert reader.skipped == len(shown) - len(wanted)


@pytest.mark.parametrize(
    ("status", "tag_type", "expected"),
    [
        pytest.param(HAS_VLAN, 0, b"\x81\x00", id="of an old kernel, without a type"),
        pytest.param(HAS_VLAN | HAS_VLAN_TYPE, 0x8100, b"\x81\x00", id="802.1Q"),
        pytest.param(HAS_VLAN | HAS_VLAN_TYPE, 0x88A8, b"\x88\xa8", id="802.1ad"),
    ],
)
@pytest.mark.parametrize("tag", [0, 0x6005, 0xFFFF])
def test_the_tag_of_a_vlan_is_put_back(
    status: int, tag_type: int, expected: bytes, tag: int
) -> None:
    shown = Shown(PLAIN, status=status, tag=tag, tag_type=tag_type, original=1000)
    ((data, original, *_),), _ = read(block_of([shown, shown])[:-1], 1)
    assert data == MACS + expected + tag.to_bytes(2, "big") + PLAIN[12:]
    assert original == 1004


def test_a_frame_without_addresses_gets_no_tag() -> None:
    shown = Shown(PLAIN[:11], status=HAS_VLAN, tag=5)
    ((data, *_),), _ = read(block_of([shown]), 1)
    assert data == PLAIN[:11]
    ((data, *_),), _ = read(block_of([shown._replace(data=PLAIN)]), 1, RAW)
    assert data == PLAIN


@pytest.mark.parametrize("tagged", [False, True])
def test_a_cooked_frame_gets_its_header(tagged: bool) -> None:
    shown = Shown(
        b"E...",
        device=0x01020304,
        hardware=65534,
        kind=OUTGOING,
        status=HAS_VLAN | HAS_VLAN_TYPE if tagged else 0,
        tag=7,
    )
    ((data, original, *_),), _ = read(block_of([shown]), 1, SLL2)
    protocol = b"\x81\x00" if tagged else b"\x08\x00"
    header = protocol + struct.pack(
        "!HIHBB8s", 0, 0x01020304, 65534, OUTGOING, 6, b"\2\0\0\0\0\1"
    )
    tag = b"\x00\x07\x08\x00" if tagged else b""
    assert data == header + tag + b"E..."
    assert original == len(data)


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        pytest.param(b"\x00\x2a\x08\x00E", b"\x81\x00", id="a second tag"),
        pytest.param(b"E\x00\x08\x00E", b"\x08\x00", id="IP of 2,048 bytes"),
        pytest.param(b"\x00\x2a", b"\x08\x00", id="too short"),
    ],
)
def test_a_second_tag_is_found_where_linux_names_what_is_behind_it(
    inner: bytes, expected: bytes
) -> None:
    shown = Shown(inner, status=HAS_VLAN, tag=7)
    ((data, *_),), _ = read(block_of([shown]), 1, SLL2)
    assert data[20:] == b"\x00\x07" + expected + inner


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        pytest.param(0, 0, 0b00101, id="to us"),
        pytest.param(1, 0, 0b01101, id="broadcast"),
        pytest.param(2, 0, 0b01001, id="multicast"),
        pytest.param(3, 0, 0b10001, id="for another, in promiscuous mode"),
        pytest.param(OUTGOING, NOT_READY | OFFLOADED, 0xA02, id="sent, sums to come"),
        pytest.param(0, VALID, 0x405, id="the card has found the sums right"),
        pytest.param(7, 0, 0, id="of a kind that is not known"),
    ],
)
def test_flags_are_those_of_pcapng(kind: int, status: int, expected: int) -> None:
    ((*_, flags),), _ = read(block_of([Shown(PLAIN, kind=kind, status=status)]), 1)
    assert flags == expected


@given(st.binary(max_size=300), st.integers(-5, 400), st.integers(0, 9))
def test_any_bytes_are_taken_without_an_error(
    block: bytes, position: int, frames: int
) -> None:
    for link_type in (ETHERNET, RAW, SLL2):
        reader = BlockReader(link_type, True, True)
        reader.begin(position, frames)
        batch = Batch()
        memory = bytearray(block)
        batch.attach(memory, len(memory), 1)
        reader.fill(batch, memory)
        for i in range(batch.count):
            assert batch.start[i] >= 0
            assert batch.start[i] + batch.captured[i] <= len(memory)
            assert batch.captured[i] <= batch.original[i]


@given(st.data())
def test_a_cut_block_gives_the_frames_before_the_cut(data: st.DataObject) -> None:
    shown = [Shown(PLAIN, kind=0, status=HAS_VLAN, tag=i) for i in range(3)]
    block = block_of(shown)
    whole, _ = read(block, 3)
    cut = data.draw(st.integers(0, len(block)))
    found, _ = read(block[:cut], 3)
    assert found == whole[: len(found)]


def test_a_checksum_that_the_kernel_calls_unfinished_is_not_judged() -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"one")
    talk.server(1, b"two")
    for flags, state in ((0, "bad"), (NOT_READY, "not_judged")):
        shown = []
        for frame in talk.frames:
            damaged = bytearray(frame.data)
            # The sequence number.
            damaged[14 + 20 + 4] ^= 0x55
            shown.append(Shown(bytes(damaged), frame.time_ns, status=flags))
        block = bytearray(block_of(shown))
        reader = BlockReader(ETHERNET, True, True)
        reader.begin(BLOCK_HEADER, len(shown))
        batch = Batch()
        batch.attach(block, len(block), 1)
        assert reader.fill(batch, block) == len(shown)
        assembler = Assembler(sums=True)
        assembler.feed(batch)
        assert assembler.sums is not None
        counted = assembler.sums.by_host()
        assert sum(host[state] for host in counted.values()) == len(shown)
