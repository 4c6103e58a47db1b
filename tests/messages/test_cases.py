"""HTTP captures with exact answers, which no parser was asked about."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

import unpacket
from tests.messages.cutting import cut_all
from unpacket.messages import Exchange, Layer, Skipped, Tunnel
from unpacket.messages.http.content import decode
from unpacket.messages.http.framing import Http
from unpacket.messages.http.ranges import Ranges
from unpacket.messages.http.shape import exchange_to_dict

DATA = Path(__file__).parent / "data"
CASES = json.loads((DATA / "cases.json").read_text())
ROWS = [pytest.param(case, id=case["name"]) for case in CASES]


def events_of(case: dict[str, Any]) -> list[Any]:
    return list(unpacket.events(DATA / case["capture"]))


def check(case: dict[str, Any], items: list[Any]) -> None:
    exchanges = [item for item in items if isinstance(item, Exchange)]
    exchanges.sort(key=lambda one: one.number)
    shown = [json.loads(json.dumps(exchange_to_dict(one))) for one in exchanges]
    assert len(shown) == len(case["exchanges"])
    for found, wanted in zip(shown, case["exchanges"], strict=True):
        assert {**wanted, **common(found, wanted)} == without_bounds(wanted)
    skipped = [
        {
            "stream": item.stream.id,
            "direction": str(item.direction),
            "offset": item.offset,
            "length": item.length,
        }
        for item in items
        if isinstance(item, Skipped)
    ]
    assert sorted(skipped, key=repr) == sorted(case["skipped"], key=repr)
    tunnels = [item.to_dict() for item in items if isinstance(item, Tunnel)]
    assert tunnels == case["tunnel"]
    if "client" in case:
        assert {str(one.client) for one in exchanges} == {case["client"]}
    if "assembled" in case:
        ranges = Ranges()
        for one in exchanges:
            ranges.add(one)
        assert [file.to_dict() for file in ranges.files()] == case["assembled"]


def common(found: Any, wanted: Any) -> Any:
    """Return of what was found the keys that are wanted."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return {
            key: common(found[key], wanted[key])
            for key in without_bounds(wanted)
            if key in found
        }
    if not isinstance(found, list) or len(found) != len(wanted or ()):
        return found
    return [common(*pair) for pair in zip(found, wanted, strict=True)]


def without_bounds(wanted: dict[str, Any]) -> dict[str, Any]:
    """Return what is wanted without the answers for other bounds."""
    return {
        key: without_bounds(value) if isinstance(value, dict) else value
        for key, value in wanted.items()
        if key != "decoded_at_limit_1MiB"
    }


def read(events: list[Any], size: int = 1) -> list[Any]:
    layer = Layer(Http(), exchanges=True)
    found = []
    for start in range(0, len(events), size):
        found += layer.feed(events[start : start + size])
    assert layer.waiting_bytes == 0
    return found


@pytest.mark.parametrize("case", ROWS)
def test_every_field_is_right(case: dict[str, Any]) -> None:
    check(case, read(events_of(case), 1000))


@pytest.mark.parametrize("case", ROWS)
def test_the_face_says_the_same(case: dict[str, Any]) -> None:
    others: list[Any] = []
    exchanges = unpacket.http(DATA / case["capture"], others=others.append)
    check(case, [*exchanges, *others])


@pytest.mark.parametrize("case", ROWS)
def test_cuts_change_nothing(case: dict[str, Any]) -> None:
    events = events_of(case)
    for seed in range(3):
        check(case, read(list(cut_all(events, Random(seed)))))


@pytest.mark.parametrize("case", ROWS)
def test_bytes_may_come_one_by_one(case: dict[str, Any]) -> None:
    check(case, read(list(cut_all(events_of(case), None))))


@pytest.mark.parametrize("case", ROWS)
def test_each_observed_byte_belongs_to_one(case: dict[str, Any]) -> None:
    events = events_of(case)
    observed: dict[tuple[int, int], set[int]] = {}
    for event in events:
        if isinstance(event, unpacket.Data):
            half = observed.setdefault((event.stream.id, event.direction), set())
            half.update(range(event.offset, event.offset + len(event.payload)))
    left = {key: set(half) for key, half in observed.items()}
    for item in read(events):
        for stream, direction, offset, length in ranges_of(item):
            key = (stream, direction ^ ("client" in case))
            # What is missing may lie in a message too.
            taken = observed.get(key, set()) & set(range(offset, offset + length))
            assert taken <= left.get(key, set())
            left.get(key, set()).difference_update(taken)
    assert not any(left.values())


def ranges_of(item: Any) -> list[tuple[int, int, int, int]]:
    if isinstance(item, Skipped):
        return [(item.stream.id, item.direction, item.offset, item.length)]
    if isinstance(item, Tunnel):
        both = zip(item.offsets, item.lengths, strict=True)
        return [(item.stream.id, side, *pair) for side, pair in enumerate(both)]
    messages = [item.request, item.response, *item.interim]
    return [
        (one.stream.id, one.direction, one.offset, one.length)
        for one in messages
        if one is not None
    ]


def test_what_is_decoded_is_bounded() -> None:
    case = next(case for case in CASES if case["name"] == "gzip-bomb")
    (first, _) = unpacket.http(DATA / case["capture"])
    decoded = decode(first.response, 1 << 20)
    assert decoded is not None
    assert decoded.limited
    wanted = case["exchanges"][0]["response"]["decoded_at_limit_1MiB"]
    assert (len(decoded.data), decoded.complete) == (wanted["len"], False)
    assert decoded.data == first.response.decoded.data[: 1 << 20]
