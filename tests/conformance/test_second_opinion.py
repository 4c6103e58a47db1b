"""Of which conformance captures others get the bytes right.

The table was made before unpacket was, with drivers of its own: ``ok`` is exactly the
receiver's bytes, ``part`` right bytes but not all, ``luck`` right because the last copy
happened to be the true one, ``FAIL`` wrong, missing or invented bytes.
"""

import json
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

import unpacket
from tests.drivers import built
from unpacket import Endpoint
from unpacket.compare.comparison import Comparison, compare
from unpacket.compare.tools.json_driver import Driver
from unpacket.compare.tools.programs import USUAL_TOOLS, Limits, Runs, Said, Scapy

CAPTURES = Path(__file__).parent / "captures"

# Capture, tshark 4.0.17, tcpflow 1.6.1, scapy of July 2026 (2.7.1 with what followed),
# libtins 4.6, reassembly of gopacket 1.1.19 with what followed.
TABLE = """
in-order                        ok   ok   ok   ok   ok
out-of-order                    ok   ok   ok   ok   ok
retransmission                  ok   ok   ok   ok   ok
conflict-after-delivery         ok   FAIL FAIL ok   ok
gap-acknowledged                ok   FAIL FAIL FAIL ok
gap-never-acknowledged          part FAIL FAIL FAIL ok
wrap                            ok   ok   FAIL ok   ok
wrap-at-segment-boundary        ok   ok   FAIL ok   ok
wrap-out-of-order               ok   ok   FAIL ok   ok
wrap-partial-overlap            ok   ok   ok   ok   FAIL
wrap-gap                        ok   FAIL FAIL FAIL FAIL
midstream                       ok   ok   ok   FAIL ok
midstream-out-of-order          FAIL ok   ok   FAIL ok
one-sided                       ok   ok   ok   ok   ok
one-sided-gap                   FAIL FAIL FAIL FAIL ok
port-reuse                      ok   ok   FAIL ok   ok
port-reuse-without-fin          ok   FAIL FAIL FAIL FAIL
keep-alive-garbage-byte         ok   ok   FAIL ok   ok
fast-open                       ok   ok   FAIL FAIL ok
fast-open-not-acknowledged      FAIL ok   FAIL FAIL FAIL
fin-with-data                   ok   ok   ok   ok   ok
fin-before-last-data            ok   ok   ok   ok   ok
rst-out-of-window               ok   FAIL ok   FAIL ok
rst-bad-checksum                ok   FAIL ok   FAIL FAIL
data-bad-checksum               FAIL luck luck FAIL FAIL
fin-out-of-window               ok   FAIL ok   ok   ok
data-out-of-window              ok   FAIL FAIL ok   ok
every-frame-twice               ok   ok   ok   ok   ok
urgent-inline                   ok   ok   ok   ok   ok
encap-vlan                      ok   ok   ok   ok   ok
encap-qinq                      ok   ok   ok   ok   ok
encap-mpls                      ok   FAIL FAIL ok   ok
encap-pppoe                     ok   FAIL ok   FAIL ok
encap-gre                       ok   FAIL ok   FAIL ok
encap-ipip                      ok   FAIL ok   ok   ok
encap-vxlan                     ok   FAIL part FAIL ok
encap-geneve                    ok   FAIL FAIL FAIL ok
encap-gtpu                      ok   FAIL FAIL FAIL ok
ip-fragments                    ok   FAIL FAIL ok   FAIL
ip-length-zero                  ok   FAIL ok   ok   ok
snaplen-truncated               FAIL FAIL FAIL FAIL ok
ethernet-padding                ok   FAIL FAIL ok   ok
simultaneous-open               ok   ok   ok   ok   ok
zero-window-probe               ok   ok   ok   ok   ok
syn-again-with-new-isn          ok   FAIL ok   FAIL FAIL
ttl-decoy                       FAIL luck luck FAIL FAIL
old-timestamp-decoy             FAIL luck luck FAIL FAIL
data-without-ack-flag           FAIL luck luck FAIL FAIL
hole-filled-after-reverse-data  ok   ok   ok   ok   ok
ack-captured-before-data        ok   ok   ok   ok   ok
"""

# Which rule explains what is wrong, where that is one thing.
EXPLAINED = {
    ("conflict-after-delivery", "tcpflow"): {"other_version"},
    ("gap-acknowledged", "tcpflow"): {"zeros"},
    ("gap-never-acknowledged", "tshark"): {"stops_at_gap"},
    ("gap-never-acknowledged", "tcpflow"): {"zeros"},
    ("wrap-gap", "tcpflow"): {"zeros"},
    ("midstream-out-of-order", "tshark"): {"late_start"},
    ("one-sided-gap", "tshark"): {"stops_at_gap"},
    ("port-reuse-without-fin", "tcpflow"): {"merged"},
    ("fast-open-not-acknowledged", "tshark"): {"took_rejected"},
    ("rst-out-of-window", "tcpflow"): {"split"},
    ("rst-bad-checksum", "tcpflow"): {"split"},
    ("fin-out-of-window", "tcpflow"): {"split"},
    ("data-out-of-window", "tcpflow"): {"split", "took_rejected"},
    ("data-bad-checksum", "tshark"): {"took_rejected"},
    ("ip-fragments", "tcpflow"): {"left_out"},
    ("ip-length-zero", "tcpflow"): {"left_out"},
    ("snaplen-truncated", "tshark"): {"gap_not_told"},
    ("snaplen-truncated", "tcpflow"): {"zeros"},
    ("ethernet-padding", "tcpflow"): {"padding", "split"},
    ("syn-again-with-new-isn", "tcpflow"): {"early_start"},
    ("ttl-decoy", "tshark"): {"took_rejected"},
    ("old-timestamp-decoy", "tshark"): {"took_rejected"},
    ("data-without-ack-flag", "tshark"): {"took_rejected"},
    ("conflict-after-delivery", "scapy"): {"other_version"},
    ("gap-acknowledged", "scapy"): {"zeros"},
    ("gap-never-acknowledged", "scapy"): {"zeros"},
    ("one-sided-gap", "scapy"): {"zeros"},
    ("snaplen-truncated", "scapy"): {"zeros"},
    ("keep-alive-garbage-byte", "scapy"): {"keep_alive"},
    ("encap-mpls", "scapy"): {"no_stream"},
    # It takes the ports of the tunnel for those of what is in it.
    ("encap-vxlan", "scapy"): {"extra_stream", "no_stream"},
    ("encap-geneve", "scapy"): {"no_stream"},
    ("encap-gtpu", "scapy"): {"no_stream"},
    ("ip-fragments", "scapy"): {"left_out"},
    ("gap-acknowledged", "libtins"): {"stops_at_gap"},
    ("gap-never-acknowledged", "libtins"): {"stops_at_gap"},
    ("wrap-gap", "libtins"): {"stops_at_gap"},
    ("midstream", "libtins"): {"no_stream"},
    ("midstream-out-of-order", "libtins"): {"no_stream"},
    ("one-sided-gap", "libtins"): {"stops_at_gap"},
    ("port-reuse-without-fin", "libtins"): {"no_stream"},
    ("fast-open", "libtins"): {"left_out"},
    ("fast-open-not-acknowledged", "libtins"): {"took_rejected"},
    ("rst-out-of-window", "libtins"): {"left_out"},
    ("rst-bad-checksum", "libtins"): {"left_out"},
    ("data-bad-checksum", "libtins"): {"took_rejected"},
    ("snaplen-truncated", "libtins"): {"stops_at_gap"},
    ("syn-again-with-new-isn", "libtins"): {"no_stream"},
    ("ttl-decoy", "libtins"): {"took_rejected"},
    ("old-timestamp-decoy", "libtins"): {"took_rejected"},
    ("data-without-ack-flag", "libtins"): {"took_rejected"},
    # Its gap is a byte short: it takes 2**32 - 1 for 2**32.
    ("wrap-gap", "gopacket"): {"gap_not_told"},
    ("wrap-partial-overlap", "gopacket"): {"longer", "other_bytes"},
    ("port-reuse-without-fin", "gopacket"): {"merged"},
    ("fast-open-not-acknowledged", "gopacket"): {"took_rejected"},
    ("rst-bad-checksum", "gopacket"): {"left_out"},
    ("data-bad-checksum", "gopacket"): {"took_rejected"},
    ("ip-fragments", "gopacket"): {"left_out"},
    ("syn-again-with-new-isn", "gopacket"): {"early_start"},
    ("ttl-decoy", "gopacket"): {"took_rejected"},
    ("old-timestamp-decoy", "gopacket"): {"took_rejected"},
    ("data-without-ack-flag", "gopacket"): {"took_rejected"},
}
ROWS = [line.split() for line in TABLE.strip().splitlines()]

# It names a stream by the outer addresses, whatever is in the tunnel.
OUTER = {("encap-ipip", "libtins")}

# Right since scapy 2.8.0, which passes over data that is more than 64 KiB ahead.
SCAPY_SINCE = {"data-out-of-window"}
# What scapy puts in wrong places has no rule of its own: a SYN's data (it counts no
# SYN), Ethernet's padding between segments, and what wraps.
MISPLACED = {
    "fast-open",
    "ethernet-padding",
    *(row[0] for row in ROWS if "wrap" in row[0]),
}
SCAPY_DRIVER = """
import json, sys
from unpacket.compare.tools.scapy_streams import streams
for capture in sys.argv[1:]:
    found = [(*ends, octets.hex()) for *ends, octets in streams(capture)]
    print(json.dumps([capture, found]))
"""

needs_both = pytest.mark.skipif(
    any(shutil.which(tool.name) is None for tool in USUAL_TOOLS),
    reason="tshark or tcpflow is not installed",
)


def opinions(name: str) -> Comparison:
    path = CAPTURES / f"{name}.pcap"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return compare(path, str(path))


@needs_both
@pytest.mark.parametrize(
    "name, tshark, tcpflow", [row[:3] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_the_table(name: str, tshark: str, tcpflow: str) -> None:
    found = opinions(name)
    if not found.streams:
        pytest.skip("what is in a tunnel is not looked into")
    for opinion, verdict in zip(found.opinions, (tshark, tcpflow), strict=True):
        assert not opinion.error
        right = verdict in ("ok", "luck")
        assert bool(opinion.differences) is not right, opinion
        rules = {one.rule for one in opinion.differences}
        assert rules == EXPLAINED.get((name, opinion.tool), rules)
        assert not rules & {"other_bytes", "longer"}


class ScapyOnce(Scapy):
    """scapy's opinions of all captures, of one process: it takes long to begin."""

    def __init__(self) -> None:
        paths = [str(CAPTURES / f"{row[0]}.pcap") for row in ROWS]
        done = subprocess.run(
            [sys.executable, "-c", SCAPY_DRIVER, *paths],
            check=True,
            capture_output=True,
            timeout=100,
        )
        self.found = dict(map(json.loads, done.stdout.splitlines()))

    def said(self, capture: str, folder: Path, limits: Limits) -> Iterator[Said]:
        for source, target, octets in self.found[capture]:
            runs: Runs = [bytes.fromhex(octets)] if octets else []
            yield Said(Endpoint(*source), Endpoint(*target), runs)


@pytest.fixture(scope="module")
def scapy_once() -> ScapyOnce:
    pytest.importorskip("scapy")
    return ScapyOnce()


@pytest.mark.parametrize(
    "name, verdict", [(row[0], row[3]) for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_the_table_of_scapy(name: str, verdict: str, scapy_once: ScapyOnce) -> None:
    path = CAPTURES / f"{name}.pcap"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (opinion,) = compare(path, str(path), tools=[scapy_once]).opinions
    assert not opinion.error
    if name in SCAPY_SINCE:
        pytest.skip("it depends on the version")
    rules = {one.rule for one in opinion.differences}
    assert bool(rules) is (verdict not in ("ok", "luck"))
    assert rules == EXPLAINED.get((name, opinion.tool), rules)
    if name not in MISPLACED:
        assert not rules & {"other_bytes", "longer"}


def test_scapy_is_asked_in_a_process_of_its_own(scapy_once: ScapyOnce) -> None:
    path = CAPTURES / "out-of-order.pcap"
    (opinion,) = compare(path, str(path), tools=[Scapy()]).opinions
    assert (opinion.tool, opinion.error, opinion.differences) == ("scapy", "", [])
    assert opinion.version


@pytest.mark.parametrize("column, name", [(4, "libtins"), (5, "gopacket")])
def test_the_table_of_libraries(column: int, name: str, tmp_path: Path) -> None:
    tool = Driver(name, built(name, tmp_path))
    for capture, *verdicts in ROWS:
        path = CAPTURES / f"{capture}.pcap"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (opinion,) = compare(path, str(path), tools=[tool]).opinions
        assert not opinion.error
        rules = {one.rule for one in opinion.differences}
        if (capture, name) in OUTER:
            assert rules == {"extra_stream", "no_stream"}
            continue
        assert bool(rules) is (verdicts[column - 1] not in ("ok", "luck")), capture
        assert rules == EXPLAINED.get((capture, name), rules), capture
        odd = rules & {"other_bytes", "longer"}
        assert not odd or (capture, name) in EXPLAINED


@needs_both
@pytest.mark.parametrize(
    "name, overlap",
    [("overlap-novak-sturges", "bsd"), ("overlap-shankar-paxson", "bsd")],
)
def test_tshark_decides_overlaps_as_bsd_does(name: str, overlap: str) -> None:
    path = CAPTURES / f"{name}.pcap"
    policy = unpacket.Policy(overlap=overlap)  # type: ignore[arg-type]
    tshark, tcpflow = compare(path, str(path), policy=policy).opinions
    assert tshark.differences == []
    assert {one.rule for one in tcpflow.differences} == {"other_version"}
    policy = unpacket.Policy(overlap="last")
    _, tcpflow = compare(path, str(path), policy=policy).opinions
    assert tcpflow.differences == []
