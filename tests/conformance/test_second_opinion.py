"""Of which conformance captures tshark and tcpflow get the bytes right.

The table was made before unpacket was, with drivers of its own: ``ok`` is exactly the
receiver's bytes, ``part`` right bytes but not all, ``luck`` right because the last copy
happened to be the true one, ``FAIL`` wrong, missing or invented bytes.
"""

import shutil
import warnings

import pytest

import unpacket
from tests.shared import shared_path
from unpacket.comparison import Comparison, compare
from unpacket.peers import TOOLS

CAPTURES = shared_path("conformance", "captures")

# Capture, tshark 4.0.17, tcpflow 1.6.1.
TABLE = """
in-order                        ok   ok
out-of-order                    ok   ok
retransmission                  ok   ok
conflict-after-delivery         ok   FAIL
gap-acknowledged                ok   FAIL
gap-never-acknowledged          part FAIL
wrap                            ok   ok
wrap-at-segment-boundary        ok   ok
wrap-out-of-order               ok   ok
wrap-partial-overlap            ok   ok
wrap-gap                        ok   FAIL
midstream                       ok   ok
midstream-out-of-order          FAIL ok
one-sided                       ok   ok
one-sided-gap                   FAIL FAIL
port-reuse                      ok   ok
port-reuse-without-fin          ok   FAIL
keep-alive-garbage-byte         ok   ok
fast-open                       ok   ok
fast-open-not-acknowledged      FAIL ok
fin-with-data                   ok   ok
fin-before-last-data            ok   ok
rst-out-of-window               ok   FAIL
rst-bad-checksum                ok   FAIL
data-bad-checksum               FAIL luck
fin-out-of-window               ok   FAIL
data-out-of-window              ok   FAIL
every-frame-twice               ok   ok
urgent-inline                   ok   ok
encap-vlan                      ok   ok
encap-qinq                      ok   ok
encap-mpls                      ok   FAIL
encap-pppoe                     ok   FAIL
encap-gre                       ok   FAIL
encap-ipip                      ok   FAIL
encap-vxlan                     ok   FAIL
encap-geneve                    ok   FAIL
encap-gtpu                      ok   FAIL
ip-fragments                    ok   FAIL
ip-length-zero                  ok   FAIL
snaplen-truncated               FAIL FAIL
ethernet-padding                ok   FAIL
simultaneous-open               ok   ok
zero-window-probe               ok   ok
syn-again-with-new-isn          ok   FAIL
ttl-decoy                       FAIL luck
old-timestamp-decoy             FAIL luck
data-without-ack-flag           FAIL luck
hole-filled-after-reverse-data  ok   ok
ack-captured-before-data        ok   ok
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
}
ROWS = [line.split() for line in TABLE.strip().splitlines()]

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool.name) is None for tool in TOOLS),
    reason="tshark or tcpflow is not installed",
)


def opinions(name: str) -> Comparison:
    path = CAPTURES / f"{name}.pcap"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return compare(path, str(path))


@pytest.mark.parametrize("name, tshark, tcpflow", ROWS, ids=[row[0] for row in ROWS])
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
