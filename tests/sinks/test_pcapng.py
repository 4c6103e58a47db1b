"""pcapng blocks: what was written is what is read, by unpacket and by tshark."""

import subprocess
from pathlib import Path
from shutil import which

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unpacket import sources
from unpacket.sinks.pcapng import (
    enhanced_packet,
    interface_description,
    section_header,
)

# The last second that begins within 63 bits of nanoseconds, on either side of 1970.
FAR_NS = (1 << 63) // 10**9 * 10**9
TIMES = st.integers(-FAR_NS, FAR_NS) | st.sampled_from([-FAR_NS, -1, 0, FAR_NS])
FRAMES = st.tuples(
    TIMES, st.binary(max_size=70), st.integers(0, 10), st.lists(st.text())
)


@given(st.lists(FRAMES), st.lists(st.text(), max_size=3))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    frames: list[tuple[int, bytes, int, list[str]]],
    comments: list[str],
) -> None:
    path = tmp_path_factory.mktemp("pcapng") / "a.pcapng"
    blocks = [
        section_header(comments, "a test"),
        interface_description(1, name="eth0", snaplen=262144),
        interface_description(101, earlier=True),
    ]
    for time_ns, data, more, said in frames:
        earlier = time_ns < 0
        blocks.append(
            enhanced_packet(
                int(earlier), time_ns, data, len(data) + more, said, earlier=earlier
            )
        )
    path.write_bytes(b"".join(blocks))
    read = []
    with sources.open(path) as source:
        for batch in source:
            read += [batch.frame(n)[1:] for n in range(len(batch))]
        assert not source.warnings
    assert read == [
        (time_ns, 101 if time_ns < 0 else 1, len(data) + more, data)
        for time_ns, data, more, _ in frames
    ]


def test_the_first_second_of_all_is_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    lowest = enhanced_packet(0, -(1 << 63), b"abcd", 4, earlier=True)
    head = section_header() + interface_description(1, earlier=True)
    path.write_bytes(head + lowest)
    with sources.open(path) as source:
        (batch,) = source
    assert batch.frame(0)[1] == -FAR_NS


@pytest.mark.skipif(which("tshark") is None, reason="tshark is not installed")
def test_tshark_shows_the_comments(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    long = "é" * 40_000
    path.write_bytes(
        section_header(["of the section"])
        + interface_description(1)
        + enhanced_packet(0, 1_700_000_000_123_456_789, bytes(60), 60, ["one", "two"])
        + enhanced_packet(0, 0, bytes(14), 1514, [long])
    )
    fields = ("frame.time_epoch", "frame.len", "frame.cap_len", "frame.comment")
    done = subprocess.run(
        ["tshark", "-r", str(path), "-T", "fields", *(f"-e{name}" for name in fields)],
        capture_output=True,
        encoding="utf-8",
        timeout=100,
    )
    assert done.returncode == 0
    first, second = (line.split("\t") for line in done.stdout.splitlines())
    assert first == ["1700000000.123456789", "60", "60", "one,two"]
    assert second[:3] == ["0.000000000", "1514", "14"]
    assert set(second[3]) == {"é"}
