# cython: nonecheck=False
"""Frames of a block of the kernel's ring, as columns of a batch.

A block was copied out of the ring, so nobody changes it any more, and what the card
took off a frame is put back in front of it in place: the kernel leaves room there
(``PACKET_RESERVE``). Each frame begins with ``struct tpacket3_hdr`` and ``struct
sockaddr_ll`` (linux/if_packet.h). Positions are checked as if somebody else than the
kernel had written them: what does not fit ends the block.
"""

import sys
from array import array

from unpacket._core.memory.batch import (
    BROADCAST,
    CHECKSUM_NOT_READY,
    CHECKSUM_VALID,
    INBOUND,
    MULTICAST,
    OUTBOUND,
    PROMISCUOUS,
    SEGMENTATION_OFFLOADED,
    UNICAST,
    Batch,
)
from unpacket._core.native import loads as native

BIG_ENDIAN = sys.byteorder == "big"

# Where the address lies behind a frame's header, and where both end.
ADDRESS = 48
HEADER = 68
SLL2_HEADER = 20
VLAN_TAG = 4
MAC_ADDRESSES = 12

# ``tp_status`` of a frame.
NOT_READY = 0x8
HAS_VLAN = 0x10
HAS_VLAN_TYPE = 0x40
VALID = 0x80
OFFLOADED = 0x100

OUTGOING = 4
LOOPBACK = 772
LINKTYPE_ETHERNET = 1
LINKTYPE_SLL2 = 276
DOT1Q = 0x8100

# Interfaces that are told apart. What is seen on others counts as on the last one.
MOST_DEVICES = 4096


class BlockReader:
    """Reads blocks of one ring: what it was opened for, and how far it has come.

    Attributes:
        left: How many frames of the block have not been looked at.
        position: Where the next of them begins.
        devices: The kernel's numbers of the interfaces that frames came from, in the
            order in which they were first seen; the first ``device_count`` count.
        last_ns: The time of the latest frame; 0 before.
        skipped: How many frames were not wanted: of the other direction, or the copy
            of a frame that a loopback interface shows twice.

    Args:
        link_type: What frames begin with. For LINUX_SLL2 there is no link layer in
            the ring, and its cooked header is written in front.
        incoming, outgoing: Which directions are wanted.
    """

    __slots__ = (
        "device_count",
        "devices",
        "incoming",
        "last_ns",
        "latest_device",
        "left",
        "link_type",
        "outgoing",
        "position",
        "skipped",
    )

    def __init__(self, link_type: int, incoming: bool, outgoing: bool) -> None:
        self.link_type = link_type
        self.incoming = incoming
        self.outgoing = outgoing
        self.devices = array("I", bytes(4 * MOST_DEVICES))
        self.device_count = 0
        self.latest_device = 0
        self.left = 0
        self.position = 0
        self.last_ns = 0
        self.skipped = 0

    def begin(self, position: int, frames: int) -> None:
        """Read a block with so many frames, of which the first is at ``position``."""
        self.position = position
        self.left = frames

    def fill(self, batch: Batch, memory: "bytearray | memoryview[int]") -> int:
        """Add frames to a batch until it is full, or the block at its end.

        Args:
            memory: The buffer of the batch, to be written to.

        Returns:
            How many frames the batch has.
        """
        data = batch.data
        stop = batch.used_bytes
        count = batch.count
        batch.begin_flags()
        while self.left > 0 and count < batch.capacity:
            at = self.position
            if at < 0 or stop - at < HEADER or len(data) < stop or len(memory) < stop:
                self.left = 0
                break
            self.left -= 1
            following = native.load32(data, at, BIG_ENDIAN)
            captured = native.load32(data, at + 12, BIG_ENDIAN)
            original = native.load32(data, at + 16, BIG_ENDIAN)
            status = native.load32(data, at + 20, BIG_ENDIAN)
            start = at + native.load16(data, at + 24, BIG_ENDIAN)
            if captured > stop - start or start - at < HEADER:
                self.left = 0
                break
            self.position = at + following
            if following == 0:
                self.left = 0
            device = native.load32(data, at + ADDRESS + 4, BIG_ENDIAN)
            hardware = native.load16(data, at + ADDRESS + 8, BIG_ENDIAN)
            kind = native.load16(data, at + ADDRESS + 10, True) >> 8
            if kind == OUTGOING:
                if not self.outgoing or (hardware == LOOPBACK and self.incoming):
                    self.skipped += 1
                    continue
            elif not self.incoming:
                self.skipped += 1
                continue
            tag = 0
            if status & HAS_VLAN:
                tag = DOT1Q
                if status & HAS_VLAN_TYPE:
                    tag = native.load16(data, at + 36, BIG_ENDIAN)
                tag = tag << 16 | native.load32(data, at + 32, BIG_ENDIAN) & 0xFFFF
            added = 0
            if self.link_type == LINKTYPE_SLL2:
                added = SLL2_HEADER
                if tag:
                    added += VLAN_TAG
            elif tag and self.link_type == LINKTYPE_ETHERNET:
                if captured >= MAC_ADDRESSES:
                    added = VLAN_TAG
            if start - at - HEADER < added:
                added = 0
            if added >= SLL2_HEADER:
                self.cook(memory, at, start, tag, device, hardware)
            elif added:
                for i in range(MAC_ADDRESSES):
                    memory[start - VLAN_TAG + i] = memory[start + i]
                put32(memory, start - VLAN_TAG + MAC_ADDRESSES, tag)
            number = self.number(device)
            if number > 0:
                batch.begin_interfaces()
            if batch.has_interfaces:
                batch.interface[count] = number
            seconds = native.load32(data, at + 4, BIG_ENDIAN)
            fraction = native.load32(data, at + 8, BIG_ENDIAN)
            self.last_ns = seconds * 1_000_000_000 + fraction
            batch.start[count] = start - added
            batch.captured[count] = captured + added
            batch.original[count] = max(original, captured) + added
            batch.time_ns[count] = self.last_ns
            batch.link_type[count] = self.link_type
            batch.flags[count] = flags_of(kind, status)
            count += 1
            # Whoever adds to the columns of others asks how many there are.
            batch.count = count
        return count

    def number(self, device: int) -> int:
        """Return the number that an interface has here."""
        if self.latest_device < self.device_count:
            if self.devices[self.latest_device] == device:
                return self.latest_device
        for i in range(self.device_count):
            if self.devices[i] == device:
                self.latest_device = i
                return i
        if self.device_count < MOST_DEVICES:
            self.devices[self.device_count] = device
            self.latest_device = self.device_count
            self.device_count += 1
        return self.device_count - 1

    def cook(
        self,
        memory: "bytearray | memoryview[int]",
        at: int,
        start: int,
        tag: int,
        device: int,
        hardware: int,
    ) -> int:
        """Write a LINUX_SLL2 header, with a VLAN's tag behind it if there was one."""
        address = at + ADDRESS
        target = start - SLL2_HEADER
        protocol_high = memory[address + 2]
        protocol_low = memory[address + 3]
        if tag:
            target -= VLAN_TAG
            if hides_tag(memory, start, protocol_high << 8 | protocol_low):
                protocol_high = 0x81
                protocol_low = 0
            memory[start - 4] = tag >> 8 & 0xFF
            memory[start - 3] = tag & 0xFF
            memory[start - 2] = protocol_high
            memory[start - 1] = protocol_low
            protocol_high = tag >> 24 & 0xFF
            protocol_low = tag >> 16 & 0xFF
        kind = memory[address + 10]
        size = memory[address + 11]
        for i in range(8):
            memory[target + 12 + i] = memory[address + 12 + i]
        memory[target] = protocol_high
        memory[target + 1] = protocol_low
        memory[target + 2] = 0
        memory[target + 3] = 0
        put32(memory, target + 4, device)
        memory[target + 8] = hardware >> 8 & 0xFF
        memory[target + 9] = hardware & 0xFF
        memory[target + 10] = kind
        memory[target + 11] = size
        return 0


def hides_tag(memory: "bytearray | memoryview[int]", at: int, protocol: int) -> bool:
    """Return whether a second tag is there, of which the address does not speak.

    Linux names the protocol behind all tags since 6.10, and takes off only one.
    """
    version = 4 if protocol == 0x0800 else 6 if protocol == 0x86DD else 0
    return (
        version > 0
        and len(memory) - at > 4
        and memory[at] >> 4 != version
        and memory[at + 4] >> 4 == version
        and (memory[at + 2] << 8 | memory[at + 3]) == protocol
    )


def put32(memory: "bytearray | memoryview[int]", at: int, value: int) -> int:
    """Write 32 bits, the most significant ones first."""
    memory[at] = value >> 24 & 0xFF
    memory[at + 1] = value >> 16 & 0xFF
    memory[at + 2] = value >> 8 & 0xFF
    memory[at + 3] = value & 0xFF
    return 0


def flags_of(kind: int, status: int) -> int:
    """Return ``epb_flags`` of a frame."""
    if kind == OUTGOING:
        flags = OUTBOUND
    elif kind == 0:
        flags = INBOUND | UNICAST
    elif kind == 1:
        flags = INBOUND | BROADCAST
    elif kind == 2:
        flags = INBOUND | MULTICAST
    elif kind == 3:
        flags = INBOUND | PROMISCUOUS
    else:
        flags = 0
    if status & NOT_READY:
        flags |= CHECKSUM_NOT_READY
    if status & VALID:
        flags |= CHECKSUM_VALID
    if status & OFFLOADED:
        flags |= SEGMENTATION_OFFLOADED
    return flags
