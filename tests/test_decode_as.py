"""Rules that name what ports carry: which are some, and what is said of others."""

import re
from pathlib import Path
from typing import Any

import pytest

from unpacket import Policy
from unpacket._decode_as import TUNNELS, udp_ports

ROOT = Path(__file__).resolve().parents[1]


def test_a_rule_gives_the_usual_port_of_what_is_carried() -> None:
    rules = ("udp:8473=vxlan", "udp:1=geneve", "udp:65535=gtp", "udp:8473=vxlan")
    assert udp_ports(rules) == {8473: 4789, 1: 6081, 65535: 2152}


def test_a_known_port_can_carry_something_else() -> None:
    assert udp_ports(["udp:4789=vxlan-gpe"]) == {4789: 4790}


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        pytest.param("vxlan", "is not as udp:8473=vxlan: udp, a port", id="a name"),
        pytest.param("tcp:8473=vxlan", "is not as udp:8473=vxlan", id="TCP"),
        pytest.param("udp:8473,vxlan", "is not as udp:8473=vxlan", id="as tshark"),
        pytest.param("udp.port==8473,vxlan", "is not as udp:", id="as tshark, whole"),
        pytest.param("udp:8473=vxlan,udp:1=gtp", "is not as udp:", id="two in one"),
        pytest.param("udp:-1=vxlan", "is not as udp:", id="a negative port"),
        pytest.param("udp:\u0661=vxlan", "is not as udp:", id="other digits"),
        pytest.param("udp:0=vxlan", "0 is no port; they go from 1", id="port 0"),
        pytest.param("udp:65536=vxlan", "65536 is no port", id="a port too large"),
        pytest.param("udp:1=vxlna", "did you mean 'vxlan'", id="typo"),
        pytest.param("udp:1=quic", "'quic'; there are ayiya, ", id="no tunnel"),
        pytest.param("", "is not as udp:", id="nothing"),
    ],
)
def test_what_is_no_rule_is_answered_with_what_fits(rule: str, wanted: str) -> None:
    with pytest.raises(ValueError, match=f"^decode_as: .*{re.escape(wanted)}"):
        Policy(decode_as=(rule,))


def test_two_rules_for_one_port_contradict() -> None:
    with pytest.raises(ValueError, match="names port 1 already"):
        Policy(decode_as=("udp:1=vxlan", "udp:1=gtp"))


@pytest.mark.parametrize("value", ["udp:1=vxlan", ["udp:1=vxlan"], (1,), None])
def test_rules_are_a_tuple(value: Any) -> None:
    with pytest.raises(TypeError, match=r"^decode_as must be a tuple of rules such as"):
        Policy(decode_as=value)


def test_every_tunnel_is_in_the_documents() -> None:
    page = ROOT / "docs" / "tunnels.md"
    assert all(f"`{name}`" in page.read_text("utf-8") for name in TUNNELS)
