"""SSH (RFC 4253): who both are, and how they agree on keys; then all is encrypted.

Once both have sent NEWKEYS the rest is a tunnel, whose bytes are only counted.
"""

import hashlib
import re
from typing import Any

from unpacket.messages.answers import Answer, message, need, refuse, tunnel
from unpacket.messages.constants import ITS_OWN, NOT_ITS_OWN, TOO_SHORT
from unpacket.messages.framers.noted import Noted, Octets, leads_to, noted, text
from unpacket.messages.framers.sided import Sided
from unpacket.messages.framers.spoken import line_length, read_line

BANNER = re.compile(rb"SSH-(?:2\.0|1\.\d{1,2})-[^\n]*\r?\n")
HEADER = 5
# A packet has at least a kind and its padding (section 6), and never needs more.
LEAST, MOST = 6, 256 << 10
NEWKEYS, KEXINIT = 21, 20
KINDS = {
    1: "DISCONNECT", 2: "IGNORE", 3: "UNIMPLEMENTED", 4: "DEBUG", 5: "SERVICE_REQUEST",
    6: "SERVICE_ACCEPT", 7: "EXT_INFO", 20: "KEXINIT", 21: "NEWKEYS", 30: "KEXDH_INIT",
    31: "KEXDH_REPLY", 32: "KEX_DH_GEX_INIT", 33: "KEX_DH_GEX_REPLY",
    34: "KEX_DH_GEX_REQUEST",
}  # fmt: skip
LISTS = (
    "key_exchanges",
    "host_keys",
    "ciphers_to_server",
    "ciphers_to_client",
    "macs_to_server",
    "macs_to_client",
    "compressions_to_server",
    "compressions_to_client",
)
# What waits for the other side to say that it encrypts too.
MAX_WAITING = 8 << 10


class Conversation:
    """What the halves know of each other: who of them encrypts, by direction."""

    def __init__(self, whole: bool) -> None:
        self.encrypts = [not whole, not whole]


def read_banner(message: Noted, facts: dict[str, Any]) -> str:
    """Read who somebody is."""
    line = message.octets().rstrip(b"\r\n")
    facts["type"] = "banner"
    parts = line.split(b"-", 2)
    facts["version"] = text(parts[1]) if len(parts) > 1 else ""
    software, _, comment = (parts[2] if len(parts) > 2 else b"").partition(b" ")
    facts["software"], facts["comment"] = text(software), text(comment)
    return text(line)


def read(message: Noted, facts: dict[str, Any]) -> str:
    """Read a packet."""
    packet = message.octets()
    octets = Octets(packet, HEADER, max(HEADER, len(packet) - message.head[4]))
    number = octets.number(1)
    facts["type"] = KINDS.get(number, str(number))
    if number == KEXINIT:
        octets.take(16)
        lists = []
        for name in LISTS:
            lists.append(octets.sized(4))
            facts[name] = text(lists[-1], 4000).split(",")
        # As Salesforce defines it: the offers of whoever sends it.
        side = message.side
        offered = (lists[0], lists[2 + side], lists[4 + side], lists[6 + side])
        digest = hashlib.md5(b";".join(offered), usedforsecurity=False).hexdigest()
        facts["hassh_server" if side else "hassh"] = digest
        return f"KEXINIT {digest}"
    if number == 1:
        facts["code"] = octets.number(4)
        facts["reason"] = text(octets.sized(4))
        return f"DISCONNECT {facts['reason']}"
    return str(facts["type"])


class Ssh(Sided):
    """Cuts SSH into banners and packets, as long as these are in the clear."""

    __slots__ = ("greeted",)

    name = "ssh"
    ports = (22, 2222)

    shared: Conversation

    def remembered(self, whole: bool) -> Conversation:
        """Return what the halves of a stream share."""
        return Conversation(whole)

    def start(self, whole: bool) -> None:
        """Prepare a half."""
        self.greeted = False

    def frame(self, data: bytes, start: int, ended: bool) -> Answer:
        """Say how long the line, or the packet, is."""
        encrypts = self.shared.encrypts
        if encrypts[self.direction]:
            waits = ended or len(data) - start < MAX_WAITING
            is_early = self.certain and not encrypts[1 - self.direction]
            return need() if is_early and waits else tunnel("ssh")
        if not self.greeted:
            return self.banner(data, start, ended)
        left = len(data) - start
        if left < HEADER + 1:
            return need(HEADER + 1 - left)
        size = int.from_bytes(data[start : start + 4])
        if not LEAST <= size <= MOST or not 4 <= data[start + 4] < size:
            self.reset()
            return refuse()
        head = data[start : start + HEADER]
        answer = noted(message(4 + size, HEADER), read, self.direction, head)
        if data[start + HEADER] == NEWKEYS and size < 64:
            missing = 4 + size - left
            if missing > 0 and not ended:
                return need(missing)
            encrypts[self.direction] = True
            if all(encrypts) and missing <= 0:
                return leads_to(answer, "ssh", data[start : start + 4 + size])
        return answer

    def banner(self, data: bytes, start: int, ended: bool) -> Answer:
        """Cut the first lines; a server may send others before its name."""
        length = line_length(data, start)
        if length == 0:
            if ended or len(data) - start > MAX_WAITING:
                return refuse()
            return need()
        self.greeted = BANNER.match(data, start) is not None
        reader = read_banner if self.greeted else read_line
        return noted(message(length), reader, self.direction)

    def find_start(self, data: bytes, start: int, ended: bool) -> int:
        """Return the end: behind a hole nothing says what is encrypted."""
        encrypted = self.shared.encrypts[self.direction]
        return start if encrypted and not ended else len(data)

    def begins(self, data: bytes, ended: bool) -> int:
        """Say whether a half that begins so is SSH."""
        if BANNER.match(data) is not None or data[:8] in (b"SSH-2.0-", b"SSH-1.99"):
            return ITS_OWN
        begun = b"SSH-2.0-".startswith(data[:8]) or b"SSH-1.99".startswith(data[:8])
        return TOO_SHORT if begun and not ended else NOT_ITS_OWN

    def reset(self) -> None:
        """Whatever is missing: nobody knows when the half begins to encrypt."""
        self.certain = False
        self.shared.encrypts[self.direction] = True
