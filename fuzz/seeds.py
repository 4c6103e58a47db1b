"""Writes the seeds of the corpus with the tests' builders: ``python -m fuzz.seeds``.

What atheris has found since lies beside them, under names that are digests.
"""

import bz2
import gzip
import lzma
import struct
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from random import Random
from typing import Any

from fuzz.__main__ import CORPUS
from fuzz.targets.frames import LINK_TYPES
from tests.builder import SYN, Conversation, mss, sack, sack_permitted, timestamps
from tests.builder import window_scale as scale
from tests.core.decode.test_link_types import FRAMES
from tests.core.decode.test_tunnels import TUNNELS
from tests.sources import writing as w
from unpacket import Policy
from unpacket.cli.policies import option_name
from unpacket.query.columns import COLUMNS
from unpacket.sinks.names import FIELDS, TCPFLOW

Seeds = dict[str, bytes]

PROTOCOLS = (
    "smtp",
    "ftp",
    "pop3",
    "imap",
    "redis",
    "postgresql",
    "mysql",
    "mqtt",
    "ssh",
    "ldap",
    "kerberos",
    "amqp",
    "modbus",
    "someip",
    "dlt",
)


def conversation() -> list[bytes]:
    """Return the frames of a short connection."""
    talk = Conversation()
    talk.handshake(options=mss(1460) + scale(7))
    talk.client(1, b"GET / HTTP/1.1\r\n\r\n", ack=1)
    talk.server(1, b"HTTP/1.1 204 No Content\r\n\r\n", ack=19)
    talk.farewell(19, 28)
    return [frame.data for frame in talk]


PACKETS = conversation()


def pcap() -> Seeds:
    seeds = {}
    for order in "<>":
        name = {"<": "little", ">": "big"}[order]
        head = w.pcap_header(order)
        records = [
            w.pcap_record(order, 1_700_000_000, n, data, len(data) + n % 2)
            for n, data in enumerate(PACKETS)
        ]
        seeds[f"plain-{name}"] = head + b"".join(records)
        nano = w.pcap_header(order, nanoseconds=True, link_word=101)
        seeds[f"nanoseconds-{name}"] = nano + records[0] + records[1]
        modified = struct.pack(order + "I", 0xA1B2CD34) + head[4:]
        seeds[f"modified-{name}"] = modified + b"".join(
            w.modified_record(order, 1, n, data, len(data), 24)
            for n, data in enumerate(PACKETS[:3])
        )
        ixia = struct.pack(order + "I", 0x1C0001AB) + head[4:] + bytes(4)
        seeds[f"ixia-{name}"] = ixia + b"".join(records[:2])
        seeds[f"fcs-{name}"] = w.pcap_header(order, link_word=0x44000001) + records[0]
        seeds[f"old-{name}"] = w.pcap_header(order, version=(2, 3)) + records[0]
    return seeds


def pcapng() -> Seeds:
    seeds = {}
    for order in "<>":
        name = {"<": "little", ">": "big"}[order]
        data = PACKETS[3]
        comment = w.option(order, 1, b"seen") + w.option(order, 0, b"")
        dropped = w.option(order, 4, struct.pack(order + "Q", 3))
        eth = w.interface(order, 1, 65535, options=w.option(order, 2, b"eth0"))
        names = struct.pack(order + "HH", 1, 13) + b"\x0a\0\0\1a.example" + bytes(3)
        secrets = struct.pack(order + "II", 0x544C534B, 8) + b"CLIENT_R"
        counts = struct.pack(order + "III", 0, 1, 2)
        for code in (4, 5, 6, 7):
            counts += w.option(order, code, struct.pack(order + "Q", code))
        packets = [
            w.enhanced(order, 0, 1_700_000_000_000_000, data, len(data), comment),
            w.enhanced(order, 0, 1_700_000_000_000_001, data, len(data) + 9, dropped),
            w.obsolete(order, 0, 1_700_000_000_000_002, data, len(data)),
            w.simple(order, data, len(data)),
        ]
        head = w.section(order)
        seeds[f"kinds-{name}"] = head + eth + b"".join(packets)
        seeds[f"notes-{name}"] = b"".join(
            [
                *(head, eth, w.block(order, 4, names + bytes(4)), packets[0]),
                *(w.block(order, 10, secrets), w.block(order, 5, counts)),
                w.block(order, 0xBAD, struct.pack(order + "I", 32473) + b"custom"),
            ]
        )
        for resolution in (0, 9, 0x80 | 20, 255):
            fine = w.interface(order, 101, 0, resolution, -5)
            seeds[f"resolution-{resolution}-{name}"] = head + fine + packets[0]
        seeds[f"sections-{name}"] = head + eth + packets[0] + w.section("<") + eth
    return seeds


def snoop() -> Seeds:
    seeds = {}
    for data_link in (0, 2, 4, 8, 9):
        records = [
            w.snoop_record(1_000_000, n, data, len(data) + n, lost=n)
            for n, data in enumerate(PACKETS[:4])
        ]
        seeds[f"link-{data_link}"] = w.snoop_header(data_link) + b"".join(records)
    return seeds


def compressed() -> Seeds:
    plain = pcap()["plain-little"]
    half = len(plain) // 2
    seeds = {
        "gzip": gzip.compress(plain, mtime=0),
        "gzip-two": gzip.compress(plain[:half], mtime=0)
        + gzip.compress(plain[half:], mtime=0),
        "gzip-padded": gzip.compress(plain, mtime=0) + bytes(20),
        "gzip-stored": gzip.compress(plain[:200], 0, mtime=0),
        "gzip-zeros": gzip.compress(plain + bytes(300_000), mtime=0),
        "xz": lzma.compress(plain),
        "bzip2": bz2.compress(plain),
    }
    with suppress(ImportError):
        zstd: Any = import_module("backports.zstd")
        seeds["zstd"] = zstd.compress(plain)
        seeds["zstd-skippable"] = b"\x50\x2a\x4d\x18\2\0\0\0ab" + zstd.compress(plain)
    with suppress(ImportError):
        lz4: Any = import_module("lz4.frame")
        seeds["lz4"] = lz4.compress(plain)
    return seeds


def frames() -> Seeds:
    seeds = {}
    for name, (link_type, frame, _) in {**FRAMES, **TUNNELS}.items():
        label = "".join(c if c.isalnum() else "-" for c in name.lower())
        kind = LINK_TYPES.index(link_type)
        seeds[label] = bytes([kind, 0]) + frame
    plain = PACKETS[3]
    seeds["ethernet"] = b"\0\0" + plain
    seeds["ethernet-cut"] = b"\0\x07" + plain[:-7]
    seeds["sll"] = bytes([LINK_TYPES.index(113), 0]) + bytes(14) + plain[12:]
    sll2 = b"\x08\0" + bytes(18) + plain[14:]
    seeds["sll2"] = bytes([LINK_TYPES.index(276), 0]) + sll2
    seeds["null"] = bytes([LINK_TYPES.index(0), 0]) + b"\2\0\0\0" + plain[14:]
    seeds["any-link-type"] = b"\xff\x01\x02\0" + plain
    return seeds


def options() -> Seeds:
    both = b"\x01\x01" + timestamps(3, 4)
    rows = {
        "syn": mss(1400) + sack_permitted() + timestamps(3, 4) + b"\x01" + scale(2),
        "usual": both,
        "sack": both + b"\x01\x01" + sack((5, 6), (7, 8), (9, 1)),
        "four-blocks": b"\x01\x01" + sack((1, 2), (3, 4), (5, 6), (7, 8)),
        "broken": mss(9) + b"\x63\x00" + mss(5) + b"\0\0",
    }
    return {name: bytes([SYN, 0]) + octets for name, octets in rows.items()}


def decisions(name: str, count: int, most: int) -> Callable[[], Seeds]:
    """Return what gives random decisions: their targets give them a meaning."""

    def seeds() -> Seeds:
        random = Random(name)
        sizes = [random.randrange(8, most) for _ in range(count)]
        return {f"random-{n}": random.randbytes(size) for n, size in enumerate(sizes)}

    return seeds


def conversations(name: str) -> Callable[[], Seeds]:
    """Return what gives random decisions, and two where a side says all there is."""
    random = decisions(name, 8, 90)

    def seeds() -> Seeds:
        sides = {
            side: b"\1" + b"".join(bytes([n, piece]) for piece in range(14))
            for n, side in enumerate(("client", "server"))
        }
        return random() | sides

    return seeds


def where() -> Seeds:
    rows = {f"column-{name}": name for name in COLUMNS}
    rows["ends"] = "client == 10.0.0.1:40000 and server in (192.168.0.0/16, ::/0)"
    rows["sizes"] = "bytes > 64KiB && client.bytes <= 1.5MB or missing in 1..9"
    rows["times"] = "start > 2023-11-14T22:13:21+01:00 and duration in 1s..5m"
    rows["words"] = "close_reason in (fin, rst) and !gaps or not complete"
    rows["columns"] = "client.port > server.port and client != server"
    rows["quoted"] = "server == \"192.168.7.9\" or start == '2023-11-14 22:13:22'"
    rows["deep"] = "(" * 20 + "not not id == 3" + ")" * 20
    return {name: text.encode() for name, text in rows.items()}


def names() -> Seeds:
    rows = [TCPFLOW, "{{{id:06}}}/{side}", *(f"{{{name}}}" for name in FIELDS)]
    rows += ["{time:3d}", "../{id}", "{id:x}/{again}", "{id:}"]
    return {f"template-{n}": text.encode() for n, text in enumerate(rows)}


def command() -> Seeds:
    values = {"bool": "", "float": "1.5m", "int": "4KiB"}
    seeds = {}
    for name, value in (("overlap", "last"), ("gap", "wait"), ("rst", "exact")):
        seeds[name] = f"--{name}\n{value}".encode()
    for name in Policy.__annotations__:
        kind = str(Policy.__annotations__[name]).split(" ")[0]
        text = f"{option_name(name)}\n{values.get(kind, 'none')}"
        seeds[f"option-{name}"] = text.encode()
    seeds["preset"] = b"--preset\nlibtins\n--max-holes\nnone\n--no-paws"
    return seeds


SEEDS: dict[str, Callable[[], Seeds]] = {
    "pcap": pcap,
    "pcapng": pcapng,
    "snoop": snoop,
    "compressed": compressed,
    "objects": decisions("objects", 8, 120),
    "frames": frames,
    "filters": decisions("filters", 12, 160),
    "fragments": decisions("fragments", 12, 120),
    "options": options,
    "overlaps": decisions("overlaps", 12, 200),
    "assembler": decisions("assembler", 20, 250),
    "consumer": decisions("consumer", 16, 250),
    "sinks": decisions("sinks", 12, 200),
    **{
        name: conversations(name)
        for name in ("lines", "prefixed", "tls", "websocket", "dns", "tunnels")
    },
    "detection": conversations("detection"),
    **{name: decisions(name, 4, 90) for name in PROTOCOLS},
    "where": where,
    "names": names,
    "command": command,
}


def main() -> None:
    for target, seeds in SEEDS.items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in seeds().items():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
