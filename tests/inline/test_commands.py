"""``unpacket gateway`` and ``unpacket queue`` as a user starts and ends them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.inline.namespaces import PATIENCE_S, Namespace, namespaces
from tests.inline.test_gateway import curl, serving
from tests.inline.test_queue import SERVER, host

pytestmark = pytest.mark.processes

UNPACKET = (sys.executable, "-m", "unpacket")
MINE = """
from unpacket import Data

def inspect(arrival):
    for event in arrival.events:
        if isinstance(event, Data):
            print("said:", event.payload[:5].decode(), flush=True)
"""


@contextmanager
def started(
    where: Namespace, *arguments: str, folder: Path
) -> Iterator["subprocess.Popen[str]"]:
    """Start the command in a namespace; it is ready when it is in the middle of it."""
    command = ["ip", "netns", "exec", where.name, *UNPACKET, *arguments]
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(where: Namespace, *command: str, shown: str) -> None:
    """Wait until a command shows something."""
    deadline = time.monotonic() + PATIENCE_S
    while shown not in where.run(*command, check=False):
        assert time.monotonic() < deadline, f"{shown} never came"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_queue_ends_by_a_signal_and_takes_its_rules_along(
    tmp_path: Path, number: int
) -> None:
    (tmp_path / "page").write_bytes(b"a page")
    (tmp_path / "mine.py").write_text(MINE)
    wanted = ("queue", "--num", "3", "--install", "--json")
    with (
        host() as (client, router, server),
        serving(server, SERVER, tmp_path),
        started(
            router, *wanted, "--inspect", "mine.py:inspect", folder=tmp_path
        ) as process,
    ):
        wait_for(router, "ip6tables", "-t", "raw", "-S", shown="NFQUEUE")
        curl(client, f"http://{SERVER}:8000/page")
        os.kill(process.pid, number)
        output, errors = process.communicate(timeout=PATIENCE_S)
        assert "NFQUEUE" not in router.run("iptables", "-t", "raw", "-S")
        assert "NFQUEUE" not in router.run("ip6tables", "-t", "raw", "-S")
    assert process.returncode == 0, errors
    *said, last = output.splitlines()
    assert said[:2] == ["said: GET /", "said: HTTP/"]
    found = json.loads(last)
    assert (found["streams"], found["failures"]) == (1, 0)
    assert found["lost"] == dict.fromkeys(
        ("queue", "socket", "full", "cut", "unsent"), 0
    )


def test_a_gateway_prints_statistics_and_ends(tmp_path: Path) -> None:
    with (
        namespaces("r") as (router,),
        started(router, "gateway", "--log", "log", folder=tmp_path) as process,
    ):
        wait_for(router, "ip", "link", shown="unp1")
        time.sleep(0.3)
        os.kill(process.pid, signal.SIGUSR1)
        time.sleep(0.3)
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert errors.count("unpacket: passed ") == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(("gateway",), "nothing to inspect with", id="no inspector"),
        pytest.param(
            ("queue", "--inspect", "nowhere:x"),
            "--inspect nowhere:x: ModuleNotFoundError",
            id="no module",
        ),
        pytest.param(
            ("queue", "--inspect", "json:nothing"),
            "--inspect json:nothing: json has no nothing",
            id="no name",
        ),
        pytest.param(
            ("queue", "--inspect", "json"), "it is not MODULE:NAME", id="no colon"
        ),
        pytest.param(
            ("gateway", "--log", "-", "--clients", "10.8.0.0/24"),
            "--clients and --from go together",
            id="half of the routes",
        ),
        pytest.param(
            ("gateway", "--log", "-", "--clients", "nets", "--from", "wg0"),
            "'nets' does not appear to be an IPv4 or IPv6 network",
            id="no network",
        ),
        pytest.param(
            ("gateway", "--log", "nowhere/at/all"),
            "nowhere/at/all: no such file or directory",
            id="no folder for the log",
        ),
    ],
)
def test_a_mistake_is_told_in_one_line(
    arguments: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [*UNPACKET, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="there is nothing to be taken away")
@pytest.mark.parametrize("command", ["gateway", "queue"])
def test_a_missing_capability_is_named(command: str, tmp_path: Path) -> None:
    without = ("setpriv", "--bounding-set=-net_admin,-net_raw", "--inh-caps=-all")
    done = subprocess.run(
        [*without, *UNPACKET, command, "--log", "-"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "setpriv" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 2
    assert "CAP_NET_ADMIN" in done.stderr
    assert len(done.stderr.splitlines()) == 1
