"""What other programs make of a capture: each is run, bounded, and its output read.

No shell, no configuration of the user's, a folder of its own, and limits for time,
for the size of a file and for the number of streams: a capture may be hostile to them.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, ClassVar, NamedTuple, TypeAlias

from unpacket._core.reassembly.stream import Endpoint
from unpacket._decode_as import TUNNELS, udp_ports
from unpacket.errors import SourceError
from unpacket.sinks.pcapng import (
    enhanced_packet,
    interface_description,
    section_header,
)
from unpacket.sources import Source
from unpacket.sources.opening import reader_of
from unpacket.sources.paths import can_be_read_again, is_url
from unpacket.sources.readers.buffer import BrokenInputError, Reader
from unpacket.sources.readers.compressed import (
    LONGEST_MAGIC,
    DecompressingReader,
    compression_of,
)

# What is said of a run that failed.
ERROR_BYTES = 400
COPY_BYTES = 1 << 20

Runs: TypeAlias = list[bytes | int]


class Limits(NamedTuple):
    """Bounds of one run of a program.

    Attributes:
        seconds: How long it may take.
        file_bytes: How large a file, or its output, may become.
        streams: How many streams to ask it for.
        stream_bytes: How much of one direction is read.
    """

    seconds: float = 60.0
    file_bytes: int = 1 << 30
    streams: int = 400
    stream_bytes: int = 64 << 20


class Said(NamedTuple):
    """What a program made of one direction of a connection.

    Attributes:
        runs: Its bytes in order, and the length of each gap that it reports.
    """

    source: Endpoint
    target: Endpoint
    runs: Runs


class ToolError(Exception):
    """A program could not be used; ``args[0]`` says why."""


class Tool:
    """Another program that puts TCP streams together.

    Attributes:
        name: What it is called, here and by the system.
        strict: Whether it has failed if its exit code is not 0.
        folder: Where it runs; in the one that it may write to if None.
    """

    name: str
    strict = False
    folder: Path | None = None
    version_arguments: Sequence[str] = ("--version",)

    def path(self) -> str | None:
        """Return where the program is, or None if it is not installed."""
        return shutil.which(self.name)

    def version(self, folder: Path) -> str:
        """Return its version, as it says itself, or ""."""
        out = folder / "version"
        try:
            self.run(self.version_arguments, folder, Limits(seconds=10), out)
        except ToolError:
            return ""
        found = re.search(rb"\d+(\.\d+)+", out.read_bytes()[:4096])
        return found[0].decode() if found else ""

    def decoding(self, rules: Iterable[str]) -> Tool:
        """Return the program as it takes what ``Policy.decode_as`` says, if it can."""
        return self

    def said(self, capture: str, folder: Path, limits: Limits) -> Iterator[Said]:
        """Run it over an uncompressed capture, and give what it made of it.

        Raises:
            ToolError: It failed, or exceeded a limit.
        """
        raise NotImplementedError

    def run(
        self, arguments: Sequence[str], folder: Path, limits: Limits, out: Path
    ) -> str:
        """Run the program, its output in ``out``; return what it said on stderr.

        Raises:
            ToolError: It could not be started, or exceeded a limit.
        """
        program = self.path()
        if program is None:
            raise ToolError("it is not installed")
        if os.name != "posix":
            raise ToolError("programs can be kept within limits on POSIX systems only")
        errors = folder / "stderr"
        with out.open("wb") as stdout, errors.open("wb") as stderr:
            process = subprocess.Popen(
                [program, *arguments],
                cwd=self.folder or folder,
                env=environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
                preexec_fn=lambda: limit_files(limits.file_bytes),
            )
            try:
                code = process.wait(limits.seconds)
            except subprocess.TimeoutExpired:
                raise ToolError(f"it took more than {limits.seconds:g} s") from None
            finally:
                end(process)
        if code == -signal.SIGXFSZ:
            raise ToolError(f"it wrote a file of more than {limits.file_bytes} bytes")
        said = errors.read_bytes()[-ERROR_BYTES:].decode(errors="replace").strip()
        if code < 0:
            raise ToolError(f"it was ended by signal {-code}")
        if code and self.strict:
            raise ToolError(last_line(said) or f"it ended with exit code {code}")
        return said


class Tshark(Tool):
    """Wireshark's "Follow TCP Stream"."""

    name = "tshark"

    # Without reassembly above TCP, so that nothing but TCP has a say.
    usual: tuple[str, ...] = ("-n", "-o", "tcp.desegment_tcp_streams:FALSE")
    at_a_time = 200
    marker = re.compile(rb"\[(\d+) bytes missing in capture file\]\0")
    # What it calls a tunnel otherwise.
    names: ClassVar[dict[int, str]] = {
        TUNNELS["capwap"]: "capwap.data",
        TUNNELS["lisp"]: "lisp-data",
        TUNNELS["vxlan-gpe"]: "vxlan_gpe",
    }

    def decoding(self, rules: Iterable[str]) -> Tool:
        usual = {port: name for name, port in TUNNELS.items()} | self.names
        told = Tshark()
        for port, known_by in udp_ports(rules).items():
            told.usual += ("-d", f"udp.port=={port},{usual[known_by]}")
        return told

    def said(self, capture: str, folder: Path, limits: Limits) -> Iterator[Said]:
        out = folder / "numbers"
        arguments = ["-r", capture, *self.usual, "-T", "fields", "-e", "tcp.stream"]
        complaint = self.run(arguments, folder, limits, out)
        with out.open("rb") as lines:
            # A frame in a tunnel may have several.
            streams = 1 + max(
                (int(n) for line in lines for n in line.strip().split(b",") if n),
                default=-1,
            )
        if not streams and complaint and not out.stat().st_size:
            raise ToolError(last_line(complaint))
        streams = min(streams, limits.streams)
        for first in range(0, streams, self.at_a_time):
            arguments = ["-r", capture, "-q", *self.usual]
            for number in range(first, min(first + self.at_a_time, streams)):
                arguments += ["-z", f"follow,tcp,raw,{number}"]
            followed = folder / "followed"
            self.run(arguments, folder, limits, followed)
            with followed.open("rb") as lines:
                # In the order in which they stand in the file, and not of numbers.
                blocks = sorted(self.blocks(lines, limits), key=lambda one: one[0])
            for _, directions in blocks:
                yield from directions

    def blocks(
        self, lines: BinaryIO, limits: Limits
    ) -> Iterator[tuple[int, tuple[Said, Said]]]:
        """Give the number and both directions of each stream."""
        number = -1
        nodes: list[Endpoint] = []
        runs: tuple[Runs, Runs] = ([], [])
        sizes = [0, 0]
        for line in lines:
            if line.startswith(b"Filter: tcp.stream eq "):
                number = int(line.split()[-1])
                nodes, runs, sizes = [], ([], []), [0, 0]
            elif line.startswith(b"Node "):
                nodes.append(endpoint(line.split(b": ", 1)[1].strip().decode()))
            elif line.startswith(b"===") and number >= 0:
                first, second = nodes
                both = Said(first, second, runs[0]), Said(second, first, runs[1])
                yield number, both
                number = -1
            elif number >= 0:
                side = line.startswith(b"\t")
                octets = bytes.fromhex(line.decode("ascii"))
                marked = self.marker.fullmatch(octets)
                # A hole, in its own words; a payload of that very text is none.
                if marked:
                    runs[side].append(int(marked[1]))
                elif sizes[side] < limits.stream_bytes:
                    runs[side].append(octets)
                    sizes[side] += len(octets)


class Tcpflow(Tool):
    """The files that tcpflow writes."""

    name = "tcpflow"

    template = "%A.%a-%B.%b--%t--%#"
    named = re.compile(r"(.+)\.(\d{5})-(.+)\.(\d{5})--(\d+)--(\d+)(.*)")

    def said(self, capture: str, folder: Path, limits: Limits) -> Iterator[Said]:
        flows = folder / "flows"
        flows.mkdir()
        arguments = ["-q", "-r", capture, "-o", str(flows), "-T", self.template]
        complaint = self.run(arguments, folder, limits, folder / "stdout")
        found = []
        for name in os.listdir(flows):
            match = self.named.fullmatch(name)
            if match:
                found.append(((int(match[5]), int(match[6]), match[7]), name, match))
        if not found and "rror" in complaint:
            raise ToolError(last_line(complaint))
        found.sort(key=lambda one: one[0])
        for _, name, match in found:
            with (flows / name).open("rb") as file:
                octets = file.read(limits.stream_bytes)
            yield Said(
                Endpoint(plain_address(match[1]), int(match[2])),
                Endpoint(plain_address(match[3]), int(match[4])),
                [octets] if octets else [],
            )


class Scapy(Tool):
    """scapy's TCPSession, run by a program of ours with this Python."""

    name = "scapy"

    program = Path(__file__).with_name("scapy_streams.py")

    def path(self) -> str | None:
        return sys.executable if find_spec("scapy") else None

    def version(self, folder: Path) -> str:
        try:
            return metadata.version("scapy")
        except metadata.PackageNotFoundError:
            return ""

    def said(self, capture: str, folder: Path, limits: Limits) -> Iterator[Said]:
        out = folder / "streams"
        # Isolated from the user's settings of Python, and of scapy by ``environment``.
        arguments = ["-I", str(self.program), capture]
        complaint = self.run(arguments, folder, limits, out)
        if "Traceback" in complaint:
            raise ToolError(last_line(complaint))
        with out.open(encoding="ascii") as lines:
            for line in lines:
                found = json.loads(line)
                octets = bytes.fromhex(found["hex"])[: limits.stream_bytes]
                yield Said(
                    Endpoint(*found["source"]),
                    Endpoint(*found["target"]),
                    [octets] if octets else [],
                )


TOOLS: tuple[Tool, ...] = (Tshark(), Tcpflow(), Scapy())
# Those that are asked unless others are named. scapy needs a millisecond a packet.
USUAL_TOOLS = TOOLS[:2]


def limit_files(size: int) -> None:
    """Bound what this process writes; it is about to become another program."""
    # Only POSIX has it.
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def end(process: subprocess.Popen[bytes]) -> None:
    """End a program and what it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def environment(folder: Path) -> dict[str, str]:
    """Return variables that lead to no settings of the user's."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "WIRESHARK_CONFIG_DIR": str(folder),
        "TMPDIR": str(folder),
        "LC_ALL": "C",
        "TZ": "UTC",
    }


def last_line(text: str) -> str:
    """Return the last line of what a program complained of, fit for a terminal."""
    line = text.splitlines()[-1] if text else ""
    return "".join(c if c.isprintable() else "?" for c in line)


def endpoint(text: str) -> Endpoint:
    """Return what ``10.0.0.1:80`` or ``[::1]:80`` stands for."""
    address, _, port = text.rpartition(":")
    address = address.strip("[]")
    with contextlib.suppress(ValueError):
        address = str(ipaddress.ip_address(address))
    return Endpoint(address, int(port) if port.isdecimal() else 0)


def plain_address(text: str) -> str:
    """Return an address of tcpflow's, which pads those of IPv4 with zeros."""
    if ":" not in text:
        text = ".".join(str(int(part)) for part in text.split(".") if part.isdecimal())
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(text))
    return text


def plain_copy(path: str, folder: Path, limits: Limits) -> str:
    """Return a capture's path, or that of a copy if others could not read it.

    They need a file, and not all of them know all compressions.

    Raises:
        SourceError: It cannot be read, or is too large once it is unpacked.
    """
    file = reader_of(path)
    with contextlib.closing(file):
        beginning = bytearray(COPY_BYTES)
        count = 0
        while count < LONGEST_MAGIC:
            more = file.readinto(memoryview(beginning)[count:])
            if not more:
                break
            count += more
        head = bytes(beginning[:count])
        compression = compression_of(head)
        if compression is None and can_be_read_again(path) and not is_url(path):
            return os.path.abspath(path)
        copy = folder / "capture"
        written = 0
        buffer = memoryview(bytearray(COPY_BYTES))
        with copy.open("wb") as output:
            reader: Reader = file
            if compression is None:
                written += output.write(head)
            else:
                reader = DecompressingReader(file, head, compression, path)
            # What is in front of damage is used, here and by others.
            with contextlib.suppress(BrokenInputError):
                while read := reader.readinto(buffer):
                    written += output.write(buffer[:read])
                    if written > limits.file_bytes:
                        reason = f"it has more than {limits.file_bytes} bytes unpacked"
                        raise SourceError(path, reason)
        return str(copy)


def filtered_copy(source: Source, folder: Path, limits: Limits) -> str:
    """Return the path of a copy of a capture, of the frames that pass its filter.

    Raises:
        SourceError: It cannot be read, or is too large.
    """
    copy = folder / "filtered.pcapng"
    interfaces: dict[tuple[int, bool], int] = {}
    with copy.open("wb") as output:
        written = output.write(section_header())
        for batch in source:
            for index in range(len(batch)):
                if batch.filtered and not batch.passed[index]:
                    continue
                _, time_ns, link_type, original, data = batch.frame(index)
                key = link_type, time_ns < 0
                if key not in interfaces:
                    interfaces[key] = len(interfaces)
                    described = interface_description(link_type, earlier=key[1])
                    written += output.write(described)
                written += output.write(
                    enhanced_packet(
                        interfaces[key], time_ns, data, original, earlier=key[1]
                    )
                )
            if written > limits.file_bytes:
                reason = f"what passes has more than {limits.file_bytes} bytes"
                raise SourceError(source.path, reason)
    return str(copy)
