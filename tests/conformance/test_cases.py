"""The conformance captures: of each, the bytes that the receiving host accepted."""

import json
from typing import Any

import pytest

from tests.captured import read, told
from tests.shared import shared_path

CASES = json.loads(shared_path("conformance", "cases.json").read_text())

TUNNELS = {"geneve", "gre", "gtpu", "ipip", "mpls", "pppoe", "vxlan"}


def case(content: dict[str, Any]) -> Any:
    name = content["name"]
    marks = []
    if name.removeprefix("encap-") in TUNNELS:
        marks.append(pytest.mark.xfail(reason="tunnels are not looked into yet"))
    return pytest.param(name, content["streams"], id=name, marks=marks)


@pytest.mark.parametrize(("name", "streams"), [case(content) for content in CASES])
def test_a_stream_is_what_the_receiver_accepted(
    name: str, streams: list[dict[str, Any]]
) -> None:
    stories = told(read(shared_path("conformance", "captures", f"{name}.pcap")).events)
    found = [
        {"client": shown(client.runs), "server": shown(server.runs)}
        for client, server in (story.sides for story in stories)
    ]
    assert found == streams


def shown(runs: list[bytes | tuple[int, str]]) -> list[Any]:
    """Write bytes and gaps as ``cases.json`` does."""
    return [
        run.decode() if isinstance(run, bytes) else {"gap": run[0], "reason": run[1]}
        for run in runs
    ]
