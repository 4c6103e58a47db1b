"""Owners of a stream as a comment of a capture: what was written is read again."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import unpacket
from tests.builder import Conversation
from unpacket import sources
from unpacket.cli import cli
from unpacket.sinks.pcapng import enhanced_packet, interface_description, section_header
from unpacket.sources.formats.notes import OWNERS
from unpacket.sources.live.owner_notes import OwnerNote, read, written
from unpacket.sources.live.owners import Owners, Process

NAMES = st.text(max_size=20)
PROCESSES = st.builds(
    Process,
    pid=st.integers(0, 1 << 22),
    name=NAMES,
    command=NAMES,
    user=NAMES,
    unit=NAMES,
)
ENDS = st.builds(
    Owners,
    st.lists(PROCESSES, max_size=3).map(tuple),
    st.sampled_from(["", "trace_event", "socket", "listener"]),
)
CURL = Process(7, "curl", "curl http://127.0.0.1/", "root", "")
NGINX = Process(1, "nginx", "nginx: worker", "www-data", "nginx.service")


def plain(note: OwnerNote | None) -> Any:
    if note is None:
        return None
    sides = [(one.processes, one.source) for one in note.owners]
    return note.ends, note.start_ns, sides


@given(ENDS, ENDS, st.integers(0, 1 << 62), st.integers(0, 65535))
def test_what_was_written_is_read(
    client: Owners, server: Owners, start_ns: int, port: int
) -> None:
    note = OwnerNote(("10.0.0.1", port, "2001:db8::1", 80), start_ns, (client, server))
    assert plain(read(written(note))) == plain(note)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["client", "server", "start_ns", "processes", "pid", "address"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=9,
)


@given(JSON.map(json.dumps) | st.text(max_size=50))
def test_what_anybody_wrote_is_no_error(text: str) -> None:
    assert read(OWNERS + text) is None
    assert read(text) is None


def test_a_deep_one_is_none_of_ours() -> None:
    assert read(OWNERS + "[" * 60_000) is None


def capture(talk: Conversation, comments: dict[int, str]) -> bytes:
    parts = [section_header(), interface_description(1)]
    for index, frame in enumerate(talk.frames):
        texts = [comments[index]] if index in comments else []
        parts.append(
            enhanced_packet(0, frame.time_ns, frame.data, frame.original, texts)
        )
    return b"".join(parts)


@pytest.mark.parametrize("index", [0, 2, 5])
def test_streams_of_a_file_know_what_a_comment_says(index: int, tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"ask")
    talk.server(1, b"say")
    talk.farewell(4, 4)
    client, server = talk.ends
    ends = (client[0], client[1], server[0], server[1])
    note = OwnerNote(
        ends,
        talk.frames[0].time_ns,
        (Owners((CURL,), "trace_event"), Owners((NGINX,), "listener")),
    )
    earlier = note._replace(
        start_ns=note.start_ns - 1, owners=(Owners((NGINX,)), Owners((CURL,)))
    )
    path = tmp_path / "noted.pcapng"
    path.write_bytes(capture(talk, {index: written(note), 1: written(earlier)}))
    (summary,) = unpacket.summaries(path, where="client.process == curl")
    assert summary.client_process == CURL
    assert summary.server_process == NGINX
    assert summary.process_source == "trace_event+listener"
    assert summary.capture_drops is None
    assert json.loads(summary.to_json())["server"]["unit"] == "nginx.service"
    (whole,) = unpacket.streams(path)
    assert whole.client_process == CURL
    # And it is not shown as what somebody has written.
    with sources.open(path) as opened:
        list(opened)
        assert opened.notes.comments == []
    closed = [
        event.stream.client_process
        for event in unpacket.events(path)
        if isinstance(event, unpacket.Closed)
    ]
    assert closed == [CURL]


def test_the_table_of_a_file_has_processes_if_it_knows_any(tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake()
    (host, port), (other_host, other_port) = talk.ends
    note = OwnerNote(
        (host, port, other_host, other_port),
        talk.frames[0].time_ns,
        (Owners((CURL,), "trace_event"), Owners((NGINX,), "listener")),
    )
    path = tmp_path / "table.pcapng"

    def table(comments: dict[int, str]) -> list[list[str]]:
        path.write_bytes(capture(talk, comments))
        done = CliRunner().invoke(cli, ["streams", str(path)])
        return [re.split("  +", line.strip()) for line in done.stdout.splitlines()]

    heading, row = table({1: written(note)})
    assert row[heading.index("processes")] == "curl[7] > nginx[1]"
    heading, row = table({})
    assert "processes" not in heading
    assert row[-1] == "end_of_capture"


def test_a_comment_that_only_looks_like_it_is_a_comment(tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake()
    path = tmp_path / "other.pcapng"
    path.write_bytes(capture(talk, {0: OWNERS + "of mine"}))
    with sources.open(path) as opened:
        list(opened)
        (comment,) = opened.notes.comments
    assert comment.text == OWNERS + "of mine"
