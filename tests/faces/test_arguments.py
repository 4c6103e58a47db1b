"""A wrong argument is refused where it is given, in a sentence that says what fits."""

import asyncio
import io
from collections.abc import Callable
from typing import Any

import pytest

import unpacket
from tests.documents.running import SAMPLE
from tests.talk import Talk
from unpacket import Assembler, Closed, Direction, Policy

# Wrong on purpose, so without types.
lib: Any = unpacket


def stream() -> Any:
    return next(iter(unpacket.streams(SAMPLE)))


def facts() -> Any:
    return next(iter(unpacket.events(SAMPLE))).stream


def call(function: Callable[[], object]) -> object:
    return function()


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda way: stream().data(way), id="data"),
        pytest.param(lambda way: stream().read(way, 0, 1), id="read"),
        pytest.param(lambda way: stream().frames(way, 0, 1), id="frames"),
        pytest.param(lambda way: stream().digest(way), id="digest"),
        pytest.param(lambda way: facts().packets(way), id="packets"),
        pytest.param(lambda way: facts().counts(way), id="counts"),
        pytest.param(lambda way: facts().state(way), id="state"),
        pytest.param(lambda way: facts().acknowledged(way), id="acknowledged"),
        pytest.param(lambda way: facts().offset_of(way, 1), id="offset_of"),
    ],
)
def test_a_direction_is_one_of_two(ask: Callable[[Any], object]) -> None:
    wanted = r"not Direction\.CLIENT \(0\) or Direction\.SERVER \(1\)"
    for wrong in ("server", None, 1.0, b"1"):
        with pytest.raises(TypeError, match=wanted):
            ask(wrong)
    for number in (-1, 2, 1 << 70):
        with pytest.raises(ValueError, match=wanted):
            ask(number)
    assert ask(0) == ask(Direction.CLIENT)
    assert ask(1) == ask(Direction.SERVER)


@pytest.mark.parametrize("face", ["events", "streams", "summaries", "events_async"])
@pytest.mark.parametrize(
    "source", [123, None, 1.5, object(), len], ids=lambda one: type(one).__name__
)
def test_a_source_is_refused_at_once(face: str, source: Any) -> None:
    with pytest.raises(TypeError, match=r"source must be a path, a URL"):
        getattr(lib, face)(source)


def test_the_bytes_of_a_capture_are_a_packet_with_a_warning() -> None:
    octets = SAMPLE.read_bytes()
    with pytest.warns(UserWarning, match=r"these begin as a capture.*io\.BytesIO"):
        lib.sources.open(octets)
    assert list(lib.events(io.BytesIO(octets)))


def test_names_that_are_imported_late_are_listed_too() -> None:
    assert set(lib.__all__) <= set(dir(lib))
    assert {"messages", "sources"} <= set(dir(lib))


def test_other_faces_refuse_a_source_too() -> None:
    with pytest.raises(TypeError, match=r"source must be a path.*, not int: 123"):
        lib.sources.open(123)
    with pytest.raises(TypeError, match=r"source must be a path.*, not int: 123"):
        lib.StreamFollower().feed(123)


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        (lambda: lib.summaries(SAMPLE, where=lambda one: True), "must be text.*an if"),
        (lambda: lib.streams(SAMPLE, where=443), "where must be text.*not an int: 443"),
        (
            lambda: lib.events(SAMPLE, jobs="2"),
            "jobs must be a number or None",
        ),
        (lambda: lib.events(SAMPLE, bpf=3), "bpf must be text.*, not an int: 3"),
        (
            lambda: lib.events(SAMPLE, progress=1),
            "progress must be a function",
        ),
        (lambda: lib.events(SAMPLE, policy="linux"), "policy is a str"),
        (
            lambda: lib.events([], link_type=1.5),
            "link_type must be a num.*not a float",
        ),
        (
            lambda: lib.streams(SAMPLE, spill_bytes="1M"),
            "spill_bytes must be a number",
        ),
        (lambda: lib.StreamFollower(log=1), "log must be a function, not an int"),
        (
            lambda: lib.StreamFollower().on_gap(None),
            "callback must be a function",
        ),
        (lambda: lib.Puller(None), "try_consume must be a function"),
        (lambda: lib.Assembler().feed(b""), "takes a Batch, and not a bytes"),
    ],
)
def test_another_type_is_refused(function: Callable[[], object], wanted: str) -> None:
    with pytest.raises(TypeError, match=wanted):
        call(function)


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        (lambda: lib.events(SAMPLE, jobs=0), "jobs must be at least 1, not 0"),
        (lambda: lib.events([], link_type="ether"), "no link type 'ether'; the names"),
        (
            lambda: lib.streams(SAMPLE, memory_bytes=-1),
            "memory_bytes must be at least 0",
        ),
        (
            lambda: Policy(ttl_distance=2**40),
            "ttl_distance must be from 0 to 255, not",
        ),
        (lambda: Policy(ttl_distance=256), "must be from 0 to 255, not 256"),
        (lambda: Policy(max_holes=2**62), r"must be from 0 to 2\*\*62 - 1"),
    ],
)
def test_another_value_is_refused(function: Callable[[], object], wanted: str) -> None:
    with pytest.raises(ValueError, match=wanted):
        call(function)


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        (lambda: lib.events(SAMPLE, polcy=None), r"events\(\) .*did you mean 'policy'"),
        (lambda: lib.streams(SAMPLE, were=""), r"streams\(\) .*did you mean 'where'"),
        (lambda: lib.summaries(SAMPLE, digests=1), "did you mean 'digest'"),
        (lambda: lib.events_async(SAMPLE, linktype=1), "did you mean 'link_type'"),
        (lambda: lib.StreamFollower(data_calback=1), "did you mean 'data_callback'"),
        (lambda: lib.StreamFollower().feed([], mrge=True), "did you mean 'merge'"),
        (lambda: lib.Puller(print, informloss=1), "did you mean 'inform_loss'"),
        (lambda: lib.sources.open([], linktype=1), "did you mean 'link_type'"),
        (lambda: lib.http(SAMPLE, bodys=False), r"http\(\) .*did you mean 'bodies'"),
        (lambda: lib.http(SAMPLE, orderd=False), "did you mean 'ordered'"),
        (lambda: lib.Policy(overlp="last"), r"Policy\(\) .*did you mean 'overlap'"),
        (lambda: lib.Policy().replace(overlp="last"), "'overlap'"),
        (lambda: lib.events(SAMPLE, zzzz=1), "no option 'zzzz'; it takes source, pol"),
    ],
)
def test_a_misspelt_option_names_the_nearest(
    function: Callable[[], object], wanted: str
) -> None:
    with pytest.raises(TypeError, match=wanted):
        call(function)


@pytest.mark.parametrize("name", list(Policy().__dataclass_fields__))
def test_the_largest_number_of_each_choice_is_one_that_the_core_takes(
    name: str,
) -> None:
    if "int" not in str(Policy.__dataclass_fields__[name].type):
        pytest.skip("no number of things")
    for value in (0, 255, 1 << 20, (1 << 62) - 1):
        try:
            policy = Policy(**{name: value})  # type: ignore[arg-type]
        except ValueError:
            assert (name, value > 255) == ("ttl_distance", True)
        else:
            Assembler(policy)


def test_an_assembler_takes_its_own_living_streams_only() -> None:
    talk, other = Talk(), Assembler()
    talk.handshake()
    found = talk.stream
    calls: list[Callable[[], object]] = [
        lambda: other.close(found),
        lambda: other.ignore(found, Direction.CLIENT),
        lambda: other.skip_to(found, Direction.CLIENT, 1),
        lambda: other.track(found, Direction.CLIENT, object()),
    ]
    for function in calls:
        with pytest.raises(ValueError, match="a stream of another assembler"):
            function()
    assert [type(event) for event in talk.assembler.close(found)] == [Closed]


def test_the_faces_still_work_with_every_option() -> None:
    options: dict[str, Any] = {
        "policy": Policy(),
        "merge": False,
        "link_type": None,
        "strict": True,
        "progress": lambda *_: None,
        "jobs": None,
        "bpf": None,
    }
    assert list(unpacket.events(SAMPLE, data=True, notes=True, **options))
    assert list(unpacket.summaries(SAMPLE, digest=True, where="id >= 0", **options))
    assert list(unpacket.streams(SAMPLE, spill_bytes=0, memory_bytes=0, **options))

    async def gathered() -> list[Any]:
        return [event async for event in unpacket.events_async(SAMPLE, strict=True)]

    assert asyncio.run(gathered())
