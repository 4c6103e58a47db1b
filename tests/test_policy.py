"""The one dataclass of choices: what it refuses, and what its presets say."""

import dataclasses
from typing import Any

import pytest

from unpacket import Assembler, Policy

OVERLAPS = (
    "first vista bsd windows macos irix hpux10 linux linux-queue old-linux solaris "
    "hpux11 last"
)


def test_a_policy_is_frozen() -> None:
    policy = Policy()
    with pytest.raises(dataclasses.FrozenInstanceError):
        policy.overlap = "last"  # type: ignore[misc]


def test_a_policy_is_changed_by_copying() -> None:
    policy = Policy()
    other = policy.replace(overlap="linux", max_held_bytes=None)
    assert (other.overlap, other.max_held_bytes) == ("linux", None)
    assert policy == Policy()
    assert hash(policy) == hash(Policy())


@pytest.mark.parametrize("overlap", OVERLAPS.split())
def test_every_overlap_policy_is_known(overlap: Any) -> None:
    Assembler(Policy(overlap=overlap))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("deliver", "never"),
        ("gap", "fill"),
        ("overlap", "windows-11"),
        ("checksum", True),
        ("rst", "none"),
        ("limit_scope", "all"),
        ("fragment_overlap", "teardrop"),
        ("max_held_bytes", -1),
        ("max_holes", -1),
        ("memory_limit_bytes", 1 << 62),
        ("idle_timeout_s", -0.5),
        ("idle_timeout_s", float("nan")),
        ("idle_timeout_s", float("inf")),
        ("linger_s", -1),
    ],
)
def test_what_is_no_choice_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=field):
        Policy(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_held_bytes", "many"),
        ("max_held_bytes", 1.5),
        ("memory_limit_bytes", None),
        ("conflict_window_bytes", None),
        ("linger_s", None),
        ("idle_timeout_s", "soon"),
        ("midstream", "yes"),
    ],
)
def test_what_has_the_wrong_type_is_refused(field: str, value: Any) -> None:
    with pytest.raises(TypeError, match=field):
        Policy(**{field: value})


def test_fields_are_named() -> None:
    with pytest.raises(TypeError):
        Policy("in_order")  # type: ignore[call-arg]


def test_an_assembler_takes_a_policy_and_nothing_else() -> None:
    with pytest.raises(TypeError, match="dict"):
        Assembler({"overlap": "first"})  # type: ignore[arg-type]


def test_an_assembler_takes_batches_and_nothing_else() -> None:
    with pytest.raises(TypeError, match="bytes"):
        Assembler().feed(b"frame")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="NoneType"):
        Assembler().begin(None)  # type: ignore[arg-type]


def test_the_names_of_presets() -> None:
    assert Policy.presets() == (
        "default",
        "libtins",
        "sniffer",
        "pcap-tcp-assembler",
        "wireshark",
        "linux",
        "inline",
    )
    assert Policy.preset("default") == Policy()
    with pytest.raises(ValueError, match="no preset 'tcpflow'; there are default,"):
        Policy.preset("tcpflow")


MIB = 1 << 20


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        (
            "default",
            {
                "deliver": "in_order",
                "gap": "skip",
                "gap_grace_s": 0.020,
                "max_held_bytes": 4 * MIB,
                "max_held_segments": 4096,
                "limit_scope": "half",
                "memory_limit_bytes": 512 * MIB,
                "midstream": True,
                "idle_timeout_s": None,
                "half_open_timeout_s": 30.0,
                "linger_s": 60.0,
                "overlap": "first",
                "checksum": "auto",
                "rst": "exact",
                "ttl_distance": 16,
            },
        ),
        (
            "libtins",
            {
                "deliver": "in_order",
                "gap": "wait",
                "max_held_bytes": 3 * MIB,
                "max_held_segments": 512,
                "limit_scope": "stream",
                "midstream": False,
                "idle_timeout_s": 300.0,
            },
        ),
        (
            "sniffer",
            {
                "deliver": "acked",
                "gap": "skip",
                "gap_grace_s": 0.0,
                "midstream": False,
                "idle_timeout_s": 300.0,
            },
        ),
        (
            "pcap-tcp-assembler",
            {
                "deliver": "pull",
                "gap": "skip",
                "gap_grace_s": None,
                "max_held_bytes": 131072,
                "max_holes": 100,
                "midstream": True,
                "idle_timeout_s": None,
            },
        ),
        (
            "wireshark",
            {
                "deliver": "in_order",
                "gap": "passed",
                "gap_grace_s": 0.0,
                "max_held_bytes": None,
                "max_held_segments": None,
                "midstream": True,
                "idle_timeout_s": None,
                "overlap": "first",
            },
        ),
        (
            "inline",
            {"deliver": "in_order", "overlap": "first", "idle_timeout_s": 300.0},
        ),
    ],
)
def test_a_preset_is_what_the_design_says(
    preset: str, expected: dict[str, Any]
) -> None:
    policy = Policy.preset(preset)
    assert {name: getattr(policy, name) for name in expected} == expected
    Assembler(policy)
