"""Verifies what ``unpacket check`` prints, from the frames themselves.

Whoever reads a sentence can look at the frame that it names; so does this, with a
decoder of its own that knows Ethernet, raw IP, IPv4, IPv6 and TCP, and nothing more.
Sentences about frames that it cannot read are left out, and not counted.
"""

import ipaddress
import re
import struct
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import NamedTuple

from tests.builder import ACK, ETHERNET, FIN, RAW, RST, SYN, checksum

NS = 1_000_000_000
FARTHEST = 1 << 31
Side = tuple[str, str]

PLACE = r"stream \d+ (?:client|server) \((?P<source>\S+) > (?P<target>\S+)\)"
COUNT = r"(?P<count>\d+) bytes?"


class Packet(NamedTuple):
    """A TCP segment that the decoder here has found in a frame.

    Attributes:
        size: How much payload it had before the capture cut it.
    """

    frame: int
    time_ns: int
    source: str
    target: str
    seq: int
    ack: int
    flags: int
    options: bytes
    payload: bytes
    size: int
    ttl: int
    is_whole: bool
    sum_is_right: bool

    @property
    def side(self) -> Side:
        return self.source, self.target


def decoded(number: int, time_ns: int, link_type: int, data: bytes) -> Packet | None:
    """Return the TCP segment of a frame, or None where it is nothing so plain."""
    if link_type == ETHERNET:
        at, kind = 14, data[12:14]
        while kind in (b"\x81\x00", b"\x88\xa8") and len(data) >= at + 4:
            kind, at = data[at + 2 : at + 4], at + 4
        if kind not in (b"\x08\x00", b"\x86\xdd"):
            return None
        data = data[at:]
    elif link_type != RAW:
        return None
    if len(data) >= 20 and data[0] >> 4 == 4:
        header = (data[0] & 15) * 4
        length = int.from_bytes(data[2:4], "big") or len(data)
        if data[9] != 6 or int.from_bytes(data[6:8], "big") & 0x3FFF:
            return None
        ends, ttl = (data[12:16], data[16:20]), data[8]
        # Empty where a network card was to fill it in.
        header_is_right = data[10:12] == b"\0\0" or checksum(data[:header]) == 0
    elif len(data) >= 40 and data[0] >> 4 == 6 and data[6] == 6:
        header, ttl, header_is_right = 40, data[7], True
        length = 40 + int.from_bytes(data[4:6], "big")
        ends = data[8:24], data[24:40]
    else:
        return None
    segment = data[header:length]
    if len(segment) < 20:
        return None
    source, target, seq, ack, offset, flags = struct.unpack(">HHIIBB", segment[:14])
    start = (offset >> 4) * 4
    pseudo = b"".join(ends) + struct.pack(">II", length - header, 6)
    return Packet(
        number,
        time_ns,
        end_of(ends[0], source),
        end_of(ends[1], target),
        seq,
        ack,
        flags,
        segment[20:start],
        segment[start:],
        length - header - start,
        ttl,
        len(data) >= length,
        header_is_right and checksum(pseudo + segment) == 0,
    )


def end_of(address: bytes, port: int) -> str:
    """Return an end as it is printed."""
    text = str(ipaddress.ip_address(address))
    return f"[{text}]:{port}" if ":" in text else f"{text}:{port}"


class Witness:
    """The frames of a capture, and what of the sentences they bear out.

    Attributes:
        verified: How many sentences were.
        wrong: Those that the frames contradict.
    """

    def __init__(self, frames: Iterable[tuple[int, int, int, bytes]]) -> None:
        self.verified = 0
        self.wrong: list[str] = []
        self.frames = list(frames)
        self.packets: dict[int, Packet] = {}
        self.sides: dict[Side, list[Packet]] = defaultdict(list)
        for frame in self.frames:
            packet = decoded(*frame)
            if packet is not None:
                self.packets[packet.frame] = packet
                self.sides[packet.side].append(packet)

    def look_at(self, text: str) -> None:
        """Verify all lines that ``check`` has printed."""
        heading, *lines, verdict = text.splitlines()
        self._heading(heading)
        bad = [line[2:12].strip() for line in lines if line.startswith("! ")]
        if verdict == "all is well":
            self._judge(verdict, not bad)
        elif verdict.startswith("something is wrong: "):
            self._judge(verdict, verdict.partition(": ")[2].split(", ") == bad)
        reason = topic = ""
        for line in lines:
            if not line.startswith(" " * 14):
                topic, answer = line[2:12].strip(), line[14:]
                self._answer(topic, answer)
            elif found := re.match(r" {14}(\w+): \d+ ", line):
                reason = found[1]
            self._detail(topic, reason, line.strip())

    def _judge(self, sentence: str, is_so: bool) -> None:
        self.verified += 1
        if not is_so:
            self.wrong.append(sentence)

    def _heading(self, line: str) -> None:
        found = re.search(r": (\d+) frames? in ([\d.]+) s, (\d+) TCP segment", line)
        assert found
        self._judge(line, int(found[1]) == len(self.frames))
        if self.frames:
            apart = abs(self.frames[-1][1] - self.frames[0][1]) / NS
            self._judge(line, f"{apart:.3f}" == found[2])
        self.is_plain = int(found[3]) == len(self.packets)

    def _answer(self, topic: str, answer: str) -> None:
        """Verify the answer to a question, where every segment was decoded here."""
        ordered = list(self.packets.values())
        back = sum(
            after.time_ns < before.time_ns for before, after in pairwise(ordered)
        )
        if not self.is_plain:
            return
        if topic == "clock":
            said = re.search(r"went back (\d+) time", answer)
            self._judge(answer, back == (int(said[1]) if said else 0))
        elif topic == "fragments" and answer == "no datagram came in fragments":
            self._judge(answer, not any(map(is_fragment, self.frames)))
        elif topic == "one sided" and "without a SYN" in answer:
            first: dict[frozenset[str], Packet] = {}
            for packet in ordered:
                first.setdefault(frozenset(packet.side), packet)
            counted = [one for one in ordered if not one.flags & SYN]
            self._judge(answer, bool(counted))
        elif topic == "one sided" and answer.startswith("both sides"):
            payload = {one.side for one in ordered if one.payload}
            alone = [side for side in payload if side[::-1] not in self.sides]
            self._judge(answer, not alone)
        elif topic == "twice":
            again = re.search(r"(\d+) retransmissions?", answer)
            assert again
            # Whatever is sent again has a number in the sequence.
            numbered = [one for one in ordered if one.size or one.flags & (SYN | FIN)]
            self._judge(answer, int(again[1]) <= max(0, len(numbered)))
            if int(again[1]) and not answer.startswith("no packet"):
                return
            if int(again[1]):
                self._judge(answer, self._some_came_again())
        elif topic == "rejected" and answer == "no segment":
            self._judge(answer, True)
        elif topic == "checksums" and answer.endswith("are right"):
            whole = [one for one in ordered if one.is_whole]
            self._judge(answer, any(one.sum_is_right for one in whole))

    def _some_came_again(self) -> bool:
        for packets in self.sides.values():
            seen: set[int] = set()
            for one in packets:
                size = one.size + bool(one.flags & SYN) + bool(one.flags & FIN)
                numbers = {(one.seq + n) & 0xFFFFFFFF for n in (0, size - 1)}
                if size and any(number in seen for number in numbers):
                    return True
                if one.seq - 1 & 0xFFFFFFFF in seen and size > 1:
                    return True
                seen |= {(one.seq + n) & 0xFFFFFFFF for n in range(size)}
        return False

    def _detail(self, topic: str, reason: str, line: str) -> None:
        """Verify a line about one place, if its frame was decoded here."""
        if topic == "rejected":
            self._match(
                rf"{PLACE}: {COUNT}(?: at offset -?\d+)?, frame (?P<frame>\d+)",
                line,
                lambda packet, count: (
                    len(packet.payload) >= count and self._bears_out(reason, packet)
                ),
            )
        elif topic in ("loss", "gaps"):
            self._match(
                rf"{PLACE}: {COUNT} at offset \d+, noticed at frame (?P<noticed>\d+)",
                line,
                lambda packet, count: True,
            )
            found = re.fullmatch(
                rf"{PLACE}: {COUNT} at offset (?P<offset>\d+), noticed .*", line
            )
            if found and topic == "loss":
                side = found["source"], found["target"]
                place = int(found["offset"]), int(found["count"])
                # Beyond that sequence numbers do not say where it is.
                is_near = sum(place) < FARTHEST
                if self.is_plain and side in self.sides and is_near:
                    self._judge(line, self._is_lost(side, *place))
        elif topic == "clock":
            found = re.fullmatch(
                r"frame (\d+): ([\d.]+) s before the one in front", line
            )
            if found and int(found[1]) in self.packets:
                ordered = list(self.packets.values())
                at = ordered.index(self.packets[int(found[1])])
                by = (ordered[at - 1].time_ns - ordered[at].time_ns) / NS
                if self.is_plain:
                    self._judge(line, f"{by:.9f}" == found[2])
        elif topic == "twice":
            found = re.fullmatch(r"stream \d+: frame (\d+) is a copy of (\d+)", line)
            pair = (
                [self.packets.get(int(number)) for number in found.groups()]
                if found
                else []
            )
            if pair and pair[0] and pair[1]:
                same = [
                    (one.side, one.seq, one.flags, one.payload) for one in pair if one
                ]
                self._judge(line, same[0] == same[1])
        elif topic == "conflicts":
            self._conflict(line)
        elif topic == "unplaced":
            self._unplaced(reason, line)
        elif topic == "checksums":
            found = re.fullmatch(r"(\S+): (\d+) of (\d+) wrong: damaged", line)
            if found and self.is_plain:
                sent = [
                    one
                    for one in self.packets.values()
                    if one.is_whole
                    and one.source.rpartition(":")[0].strip("[]") == found[1]
                ]
                bad = sum(not one.sum_is_right for one in sent)
                self._judge(line, bad >= int(found[2]) > 0)

    def _match(
        self, pattern: str, line: str, holds: Callable[[Packet, int], bool]
    ) -> None:
        found = re.fullmatch(pattern, line)
        if found is None:
            return
        groups = found.groupdict()
        side = found["source"], found["target"]
        if groups.get("frame") is None:
            if self.is_plain:
                self._judge(line, side in self.sides)
            return
        packet = self.packets.get(int(found["frame"]))
        if packet is not None:
            is_so = packet.side == side and holds(packet, int(found["count"]))
            self._judge(line, is_so)

    def _bears_out(self, reason: str, packet: Packet) -> bool:
        """Return whether a frame is as the reason says why it was rejected."""
        flags = packet.flags
        if reason == "checksum":
            return not packet.sum_is_right
        if reason == "no_ack":
            return not flags & ACK
        if reason in ("rst", "fin", "syn"):
            return bool(flags & {"rst": RST, "fin": FIN, "syn": SYN}[reason])
        if reason == "ttl":
            ttls = {one.ttl for one in self.sides[packet.side]}
            return max(ttls) - min(ttls) >= 16
        if reason == "timestamp":
            return b"\x08\x0a" in packet.options
        if reason == "md5":
            return b"\x13\x12" in packet.options
        if reason == "fast_open":
            return bool(flags & SYN)
        return True

    def _is_lost(self, side: Side, offset: int, count: int) -> bool:
        """Return whether bytes were acknowledged and are in no frame.

        Offset 0 is behind a SYN, or where any segment begins.
        """
        packets = self.sides[side]
        acks = [one.ack for one in self.sides.get(side[::-1], ()) if one.flags & ACK]
        starts = {one.seq + 1 for one in packets if one.flags & SYN}
        starts |= {one.seq for one in packets} | set(acks)
        for start in starts:
            first = (start + offset) & 0xFFFFFFFF
            covered = any(
                packet.payload
                and distance(first, packet.seq) < len(packet.payload)
                and distance(first, packet.seq) > -count
                for packet in packets
            )
            if not covered and any(distance(ack, first) >= count for ack in acks):
                return True
        return False

    def _conflict(self, line: str) -> None:
        found = re.fullmatch(r"kept, frame (\d+) +not, frame (\d+)", line)
        if found:
            self._pair = [self.packets.get(int(number)) for number in found.groups()]
            if self._pair[0] and self._pair[1]:
                self._judge(line, self._pair[0].side == self._pair[1].side)
            return
        octets = "(?:[0-9a-f]{2} )*[0-9a-f]{2}"
        rows = re.fullmatch(rf"({octets})  .{{1,16}}?   +({octets})  .*", line)
        if rows:
            for packet, row in zip(self._pair, rows.groups(), strict=True):
                if packet is not None:
                    self._judge(line, bytes.fromhex(row) in packet.payload)

    def _unplaced(self, reason: str, line: str) -> None:
        late = re.fullmatch(rf"stream \d+: {COUNT}, from frame (\d+) on", line)
        if late and int(late[2]) in self.packets:
            self._judge(line, bool(self.packets[int(late[2])].payload))
        found = re.fullmatch(rf"{PLACE}: {COUNT}", line)
        if found is None or not self.is_plain:
            return
        side = found["source"], found["target"]
        packets = self.sides.get(side, [])
        is_so = sum(len(one.payload) for one in packets) >= int(found["count"])
        resets = [
            one.frame
            for one in [*packets, *self.sides.get(side[::-1], [])]
            if one.flags & RST
        ]
        if reason == "rst_payload":
            is_so = any(one.flags & RST and one.payload for one in packets)
        elif reason == "after_rst":
            is_so = any(one.payload and one.frame > min(resets) for one in packets)
        self._judge(line, is_so)


def distance(a: int, b: int) -> int:
    """Return how far sequence number ``a`` lies behind ``b`` (RFC 9293 section 3.4)."""
    return (a - b + 0x80000000) % 0x100000000 - 0x80000000


def is_fragment(frame: tuple[int, int, int, bytes]) -> bool:
    """Return whether a frame is Ethernet with a fragment of an IPv4 datagram."""
    _, _, link_type, data = frame
    start = 14 if link_type == ETHERNET else 0
    if link_type not in (ETHERNET, RAW) or len(data) < start + 20:
        return False
    if link_type == ETHERNET and data[12:14] != b"\x08\x00":
        return False
    if data[start] >> 4 != 4:
        return False
    return bool(int.from_bytes(data[start + 6 : start + 8], "big") & 0x3FFF)
