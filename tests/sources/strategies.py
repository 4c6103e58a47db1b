"""Captures of any kind, as lists of pieces."""

import struct
from fractions import Fraction

from hypothesis import strategies as st

from tests.sources.writing import (
    Frame,
    Piece,
    block,
    enhanced,
    interface,
    modified_record,
    obsolete,
    option,
    pcap_header,
    pcap_record,
    section,
    simple,
    snoop_header,
    snoop_record,
)

MAX32 = (1 << 32) - 1
LATEST_NS = (1 << 63) - 1

orders = st.sampled_from("<>")
# More than a few hundred bytes show nothing new, and slow the tests down.
payloads = st.binary(max_size=200)
# What cannot be microseconds is taken for nanoseconds, as a test of its own shows.
microseconds = st.one_of(st.integers(0, 10**6 - 1), st.integers(10**9, MAX32))
lengths_cut = st.one_of(st.just(0), st.integers(0, 70_000))


def fractions_of(nanoseconds: bool) -> st.SearchStrategy[int]:
    """Return what the fraction of a second may be."""
    return st.integers(0, MAX32) if nanoseconds else microseconds


@st.composite
def pcaps(draw: st.DrawFn) -> list[Piece]:
    order = draw(orders)
    nanoseconds = draw(st.booleans())
    link_type = draw(st.integers(0, 0xFFFF))
    header = pcap_header(order, nanoseconds=nanoseconds, link_word=link_type)
    pieces = [Piece(header, None)]
    for data, cut in draw(st.lists(st.tuples(payloads, lengths_cut), max_size=12)):
        seconds = draw(st.integers(0, MAX32))
        fraction = draw(fractions_of(nanoseconds))
        time_ns = seconds * 10**9 + fraction * (1 if nanoseconds else 1000)
        original = len(data) + cut
        record = pcap_record(order, seconds, fraction, data, original)
        pieces.append(Piece(record, Frame(time_ns, link_type, original, data)))
    return pieces


@st.composite
def unusual_pcaps(draw: st.DrawFn) -> list[Piece]:
    """Modified pcap and snoop: other headers around the same."""
    order = draw(orders)
    form = draw(st.sampled_from(["modified", "IXIA", "snoop"]))
    nanoseconds = form == "IXIA" and draw(st.booleans())
    header = pcap_header(order, link_word=1)
    if form == "modified":
        header = struct.pack(order + "I", 0xA1B2CD34) + header[4:]
    elif form == "IXIA":
        magic = 0x1C0001AC if nanoseconds else 0x1C0001AB
        header = struct.pack(order + "I", magic) + header[4:] + bytes(4)
    else:
        header = snoop_header()
    pieces = [Piece(header, None)]
    for data, cut in draw(st.lists(st.tuples(payloads, lengths_cut), max_size=12)):
        seconds = draw(st.integers(0, MAX32))
        fraction = draw(fractions_of(nanoseconds))
        original = len(data) + cut
        if form == "snoop":
            record = snoop_record(seconds, fraction, data, original)
        elif form == "IXIA":
            record = pcap_record(order, seconds, fraction, data, original)
        else:
            record = modified_record(order, seconds, fraction, data, original, 24)
        time_ns = seconds * 10**9 + fraction * (1 if nanoseconds else 1000)
        pieces.append(Piece(record, Frame(time_ns, 1, original, data)))
    return pieces


def nanoseconds_of(ticks: int, resolution: int, offset_s: int) -> int:
    """Return the time by the words of the format, in exact numbers."""
    base = 2 if resolution & 0x80 else 10
    since = Fraction(ticks * 10**9, base ** (resolution & 0x7F))
    time_ns = min(since.__floor__(), LATEST_NS) + max(
        -LATEST_NS, min(LATEST_NS, offset_s * 10**9)
    )
    return min(time_ns, LATEST_NS)


resolutions = st.one_of(
    st.sampled_from([None, 6, 9, 0, 0x80, 0x80 | 20, 0x80 | 63]), st.integers(0, 255)
)
offsets = st.one_of(
    st.none(), st.integers(-100_000, 100_000), st.integers(-(1 << 63), (1 << 63) - 1)
)
ticks_of_time = st.integers(0, (1 << 64) - 1)


@st.composite
def pcapngs(draw: st.DrawFn) -> list[Piece]:
    """Sections in any byte order, with interfaces and other blocks between packets."""
    pieces: list[Piece] = []
    for _ in range(draw(st.integers(1, 3))):
        order = draw(orders)
        pieces.append(
            Piece(section(order, draw(st.sampled_from([(1, 0), (1, 2)]))), None)
        )
        described: list[tuple[int, int, int, int]] = []
        last_ns = 0
        for kind in draw(
            st.lists(
                st.sampled_from(["interface", "packet", "packet", "other"]), max_size=8
            )
        ):
            if kind == "interface":
                link_type = draw(st.integers(0, 0xFFFF))
                snaplen = draw(st.sampled_from([0, 1, 64, 262_144, MAX32]))
                resolution = draw(resolutions)
                offset_s = draw(offsets)
                described.append(
                    (
                        link_type,
                        snaplen,
                        6 if resolution is None else resolution,
                        offset_s or 0,
                    )
                )
                data = interface(order, link_type, snaplen, resolution, offset_s)
                pieces.append(Piece(data, None))
            elif kind == "other":
                number = draw(st.sampled_from([4, 5, 10, 0x80000001]))
                pieces.append(Piece(block(order, number, draw(payloads)), None))
            elif described:
                number = draw(st.integers(0, len(described) - 1))
                payload = draw(payloads)
                original = len(payload) + draw(lengths_cut)
                ticks = draw(ticks_of_time)
                how = draw(st.sampled_from(["enhanced", "obsolete", "simple"]))
                link_type, snaplen, resolution, offset_s = described[number]
                if how == "simple":
                    link_type, snaplen, _, _ = described[0]
                    payload = payload[: snaplen or None]
                    original = max(original, len(payload))
                    if len(payload) < (snaplen or original):
                        original = len(payload)
                    data = simple(order, payload, original)
                else:
                    last_ns = nanoseconds_of(ticks, resolution, offset_s)
                    write = obsolete
                    if how == "enhanced":
                        write = enhanced
                    data = write(order, number, ticks, payload, original)
                frame = Frame(last_ns, link_type, original, payload)
                pieces.append(Piece(data, frame))
    return pieces


def any_captures() -> st.SearchStrategy[list[Piece]]:
    return st.one_of(pcaps(), unusual_pcaps(), pcapngs())


def comments(order: str) -> bytes:
    return option(order, 1, b"seen") + option(order, 0, b"")
