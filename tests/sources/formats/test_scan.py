"""The scans never leave the buffer, and stop where they ought to."""

from hypothesis import given
from hypothesis import strategies as st

from tests.sources.strategies import any_captures, pcapngs, pcaps
from tests.sources.writing import Piece, frames_of, joined
from unpacket._core.memory.batch import Batch
from unpacket.sources.formats.interfaces import Interfaces
from unpacket.sources.formats.scan import scan_pcap, scan_pcapng, scan_snoop

LONGEST = 1 << 20


def scanned(
    data: bytes, position: int, order: bool, pcap: bool | None
) -> tuple[int, Batch]:
    """Scan for records of pcap, or of snoop (None), or for blocks of pcapng."""
    batch = Batch()
    batch.attach(data, len(data), 1)
    if pcap is None:
        position = scan_snoop(batch, position, 1, LONGEST, LONGEST)
    elif pcap:
        position = scan_pcap(batch, position, order, False, 1, LONGEST, 0, 16)
    else:
        interfaces = Interfaces()
        interfaces.add(1, 100, LONGEST, 6, 0)
        interfaces.add(101, 0, 50, 0x80 | 40, -5)
        position = scan_pcapng(batch, interfaces, position, order)
    return position, batch


def within(data: bytes | bytearray, batch: Batch) -> bool:
    return all(
        batch.start[n] >= 0
        and batch.start[n] + batch.captured[n] <= len(data)
        and batch.captured[n] <= batch.original[n]
        for n in range(len(batch))
    )


@given(
    st.binary(max_size=500),
    st.integers(-10, 600),
    st.booleans(),
    st.sampled_from([True, False, None]),
)
def test_arbitrary_bytes(
    data: bytes, position: int, order: bool, pcap: bool | None
) -> None:
    stopped, batch = scanned(data, position, order, pcap)
    assert stopped >= position
    assert stopped == position or stopped <= len(data)
    assert within(data, batch)


@given(any_captures(), st.data(), st.booleans())
def test_a_capture_with_other_bytes_in_it(
    pieces: list[Piece], draws: st.DataObject, order: bool
) -> None:
    data = bytearray(joined(pieces))
    for _ in range(draws.draw(st.integers(1, 8))):
        data[draws.draw(st.integers(0, len(data) - 1))] = draws.draw(
            st.integers(0, 255)
        )
    for pcap, start in ((True, 24), (False, 28), (None, 16)):
        stopped, batch = scanned(bytes(data), start, order, pcap)
        assert stopped >= start
        assert within(data, batch)


@given(pcaps())
def test_pcap_records_one_batch_after_another(pieces: list[Piece]) -> None:
    data = joined(pieces)
    order = data[0] == 0xA1
    nanoseconds = 0x4D in (data[0], data[3])
    link_type = int.from_bytes(data[20:24], "big" if order else "little")
    position = 24
    found = []
    while position < len(data):
        batch = Batch(3)
        batch.attach(data, len(data), 1)
        position = scan_pcap(
            batch, position, order, nanoseconds, link_type, LONGEST, 0, 16
        )
        assert 0 < len(batch) <= 3
        found += [batch.frame(n)[1:] for n in range(len(batch))]
    assert found == [tuple(frame) for frame in frames_of(pieces)]


@given(pcapngs())
def test_a_scan_of_blocks_stops_at_what_is_no_packet(pieces: list[Piece]) -> None:
    data = joined(pieces)
    batch = Batch()
    batch.attach(data, len(data), 1)
    assert scan_pcapng(batch, Interfaces(), 0, data[8] == 0x1A) == 0
    assert len(batch) == 0
