"""What loss may cost: the exchanges that it touches, and no others."""

from random import Random
from typing import Any

import pytest

from tests.messages.talking import Asked, Connection, exchanges_of
from unpacket.messages import Exchange

WAYS = ("one", "burst", "window")


def number_of(exchange: Exchange, side: str) -> int | None:
    """Return which exchange a message is of, by what it says itself."""
    message = getattr(exchange, side)
    if message is None:
        return None
    if side == "request":
        return int(message.target[1:])
    named = message.header("x-number")
    return None if named is None else int(named)


def whole(found: list[Any], side: str) -> dict[int, Any]:
    messages: dict[int, Any] = {}
    for item in found:
        if isinstance(item, Exchange) and getattr(item, side) is not None:
            message = getattr(item, side)
            if message.complete:
                number = number_of(item, side)
                assert number is not None
                assert number not in messages
                messages[number] = message
    return messages


def check(connection: Connection, lost: set[int], found: list[Any]) -> None:
    requests, responses = whole(found, "request"), whole(found, "response")
    paired = {}
    for item in found:
        if isinstance(item, Exchange) and item.pairing == "known":
            named, answered = number_of(item, "request"), number_of(item, "response")
            if answered is not None:
                assert named == answered
            paired[named] = item
    hurt = 0
    for asked in connection.exchanges:
        check_one(asked, lost, requests, responses)
        hurt += bool(lost & (asked.frames[0] | asked.frames[1]))
    untouched = len(connection.exchanges) - hurt
    assert len(paired) <= len(connection.exchanges)
    if not lost:
        assert len(paired) == untouched


def check_one(
    asked: Asked, lost: set[int], requests: dict[int, Any], responses: dict[int, Any]
) -> None:
    for side, messages, body in (
        (0, requests, asked.request_body),
        (1, responses, asked.body),
    ):
        if lost & asked.frames[side]:
            assert asked.number not in messages
        elif lost & asked.frames[0] and asked.request.startswith(b"HEAD"):
            # Without its request nobody knows that it has no body.
            pass
        else:
            assert asked.number in messages, (side, asked.number)
            assert messages[asked.number].body == body


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("rate", [0, 0.001, 0.01, 0.05])
def test_loss_costs_what_it_touches(way: str, rate: float) -> None:
    for seed in range(5):
        # With requests in flight, nobody can say which response has no body.
        connection = Connection(seed, 200, way, heads=way == "one" or not rate)
        random = Random(seed)
        carrying = set().union(
            *(a.frames[0] | a.frames[1] for a in connection.exchanges)
        )
        lost = {n for n in sorted(carrying) if random.random() < rate}
        found, layer = exchanges_of(connection.frames, lost)
        check(connection, lost, found)
        assert layer.waiting_bytes == 0


@pytest.mark.parametrize("way", WAYS)
def test_loss_in_a_thousand_exchanges_costs_what_it_touches(way: str) -> None:
    connection = Connection(7, 1000, way, heads=way == "one")
    carrying = sorted(
        set().union(*(a.frames[0] | a.frames[1] for a in connection.exchanges))
    )
    for rate in (0.001, 0.01, 0.05):
        random = Random(1)
        lost = {n for n in carrying if random.random() < rate}
        found, layer = exchanges_of(connection.frames, lost)
        check(connection, lost, found)
        assert layer.waiting_bytes == 0


def test_one_after_the_other_is_paired_whatever_is_lost() -> None:
    for seed in range(10):
        connection = Connection(seed, 100, "one")
        random = Random(seed)
        lost = {n for n in range(4, len(connection.frames)) if random.random() < 0.03}
        found, _ = exchanges_of(connection.frames, lost)
        paired = {
            number_of(item, "request")
            for item in found
            if isinstance(item, Exchange) and item.pairing == "known"
        }
        untouched = {
            asked.number
            for asked in connection.exchanges
            if not lost & (asked.frames[0] | asked.frames[1])
        }
        assert untouched <= paired


@pytest.mark.parametrize("way", ("burst", "window"))
def test_responses_without_a_body_lead_nobody_astray(way: str) -> None:
    for seed in range(10):
        connection = Connection(seed, 100, way)
        random = Random(seed)
        lost = {n for n in range(4, len(connection.frames)) if random.random() < 0.05}
        found, layer = exchanges_of(connection.frames, lost)
        for item in found:
            if isinstance(item, Exchange) and item.pairing == "known":
                asked, answered = (
                    number_of(item, "request"),
                    number_of(item, "response"),
                )
                assert answered is None or asked == answered
        assert layer.waiting_bytes == 0


@pytest.mark.parametrize("way", WAYS)
def test_a_hole_inside_a_body_costs_no_other_message(way: str) -> None:
    connection = Connection(3, 60, way)
    inner = [n for asked in connection.exchanges for n in asked.inner]
    for number in inner:
        found, _ = exchanges_of(connection.frames, {number})
        known = [
            item
            for item in found
            if isinstance(item, Exchange) and item.pairing == "known"
        ]
        assert len(known) == len(connection.exchanges)
        broken = [item for item in known if not item.complete]
        assert len(broken) == 1
