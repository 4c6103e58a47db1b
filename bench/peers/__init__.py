"""The programs that unpacket is measured against, each built or found, or missing.

The drivers of libraries follow every stream of a capture and count the bytes that
the library delivers. Each is built into the benchmark's directory when it is
missing there or older than its source.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from bench.captures import directory
from bench.measure import Command

SOURCES = Path(__file__).parent
BUILD_TIMEOUT_S = 300
# The place of Debian's golang-*-dev packages.
GO_PATH = "/usr/share/gocode"

LIBTINS = ("g++", "-O2", "-std=c++14", "{source}", "-o", "{out}", "-ltins", "-lpcap")
LIBNIDS = (
    *("gcc", "-O2", "{source}", "-o", "{out}"),
    *("-lnids", "-lpcap", "-lnet", "-lglib-2.0", "-lgthread-2.0"),
)
GOPACKET = ("go", "build", "-o", "{out}", "{source}")


class PeerMissing(Exception):
    """A program that is compared with is not here, and why."""


def built(
    source_name: str,
    compiler: tuple[str, ...],
    environment: Mapping[str, str] | None = None,
) -> str:
    """Return the path of the program that ``compiler`` makes of a file of this folder.

    Raises:
        PeerMissing: The compiler is missing, or said no.
    """
    source = SOURCES / source_name
    out = directory() / source.stem
    if out.exists() and out.stat().st_mtime > source.stat().st_mtime:
        return str(out)
    if shutil.which(compiler[0]) is None:
        raise PeerMissing(f"no {compiler[0]} to build it")
    print(f"building {out}", file=sys.stderr)
    argv = [part.format(source=source, out=out) for part in compiler]
    done = subprocess.run(
        argv,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT_S,
    )
    if done.returncode:
        words = [line for line in done.stderr.splitlines() if "error" in line]
        raise PeerMissing((words or ["it does not build"])[0].strip())
    return str(out)


def found(program: str) -> str:
    """Return the path of an installed program.

    Raises:
        PeerMissing: There is none.
    """
    path = shutil.which(program)
    if path is None:
        raise PeerMissing(f"{program} is not installed")
    return path


def libtins(capture: Path) -> Command:
    """Follow all streams with C++ callbacks."""
    program = built("libtins_follow.cpp", LIBTINS)
    return Command((program, str(capture)), tells=True)


def libnids(capture: Path, *, verify: bool = False) -> Command:
    """Follow all streams with a C callback."""
    program = built("libnids_follow.c", LIBNIDS)
    mode = ("verify",) if verify else ()
    return Command((program, str(capture), *mode), tells=True)


def gopacket(capture: Path) -> Command:
    """Follow all streams; several threads, as Go's collector likes."""
    go = {"GOPATH": GO_PATH, "GO111MODULE": "off"}
    program = built("gopacket_follow.go", GOPACKET, go)
    return Command((program, str(capture)), tells=True)


def tshark_follow(capture: Path) -> Command:
    """Print the payload of the capture's first stream."""
    options = ("-q", "-z", "follow,tcp,raw,0")
    return Command((found("tshark"), "-n", "-r", str(capture), *options))


def tshark_analysis(capture: Path) -> Command:
    """Print what tshark's analysis finds of each segment: flags and numbers."""
    names = ["flags", "acks_frame", "ack_rtt", "bytes_in_flight", "push_bytes_sent"]
    names += ["duplicate_ack_num", "duplicate_ack_frame", "rto", "initial_rtt"]
    fields = (word for name in names for word in ("-e", f"tcp.analysis.{name}"))
    options = ("-Y", "tcp", "-T", "fields", "-e", "frame.number", *fields)
    return Command((found("tshark"), "-n", "-r", str(capture), *options))


# The columns of the table that `unpacket http` prints.
HTTP_COLUMNS = (
    *("frame.time_epoch", "ip.src", "tcp.srcport", "http.request.method"),
    *("http.request.full_uri", "http.response.code", "http.content_type"),
    *("http.content_length", "http.time"),
)


def tshark_columns(capture: Path) -> Command:
    """Print what is known of each request and response of HTTP."""
    fields = (word for field in HTTP_COLUMNS for word in ("-e", field))
    options = ("-Y", "http", "-T", "fields", *fields)
    return Command((found("tshark"), "-n", "-r", str(capture), *options))


def tshark_objects(capture: Path, out: Path) -> Command:
    """Write each body to a file in ``out``."""
    options = ("-q", "--export-objects", f"http,{out}")
    argv = (found("tshark"), "-n", "-r", str(capture), *options)
    return Command(argv, fills=out)


def tcpflow(capture: Path, out: Path, *, digest: bool = False) -> Command:
    """Write each half to a file in ``out``; its MD5 to the report if asked."""
    digests = ("-e", "md5") if digest else ()
    argv = (found("tcpflow"), *digests, "-r", str(capture), "-o", str(out))
    return Command(argv, fills=out)


def sha256sum(path: Path) -> Command:
    """Hash the bytes of the file."""
    return Command((found("sha256sum"), str(path)))


def _driver(library: str, capture: Path) -> Command:
    if find_spec(library) is None:
        raise PeerMissing(f"{library} is not installed")
    module = f"bench.peers.{library}_follow"
    return Command((sys.executable, "-m", module, str(capture)), tells=True)


def httptools(how: str, count: int) -> Command:
    """Parse requests, with callbacks for ``messages`` only or for ``headers`` too."""
    if find_spec("httptools") is None:
        raise PeerMissing("httptools is not installed")
    argv = (sys.executable, "-m", "bench.peers.httptools_parse", how, str(count))
    return Command(argv, tells=True)


def scapy(capture: Path) -> Command:
    """Collect the payload of each stream with TCPSession."""
    return _driver("scapy", capture)


def dpkt(capture: Path) -> Command:
    """Collect the payload of each half in the loop that everybody writes."""
    return _driver("dpkt", capture)
