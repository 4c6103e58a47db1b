"""The conformance captures: of each, the bytes that the receiving host accepted."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.captured import read, told

FOLDER = Path(__file__).parent
CASES = json.loads((FOLDER / "cases.json").read_text())


def test_each_capture_has_a_case() -> None:
    names = {path.stem for path in (FOLDER / "captures").iterdir()}
    assert names == {case["name"] for case in CASES}


@pytest.mark.parametrize(
    ("name", "streams"),
    [pytest.param(case["name"], case["streams"], id=case["name"]) for case in CASES],
)
def test_a_stream_is_what_the_receiver_accepted(
    name: str, streams: list[dict[str, Any]]
) -> None:
    stories = told(read(FOLDER / "captures" / f"{name}.pcap").events)
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
