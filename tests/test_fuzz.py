"""The corpus of the fuzz targets, and a few mutations of it, on this core."""

from pathlib import Path
from random import Random

import pytest

from fuzz.__main__ import CORPUS, Findings, inputs, main
from fuzz.mutation import MAX_BYTES, mutate, mutations
from fuzz.targets import MODULES, load

MUTATIONS = 10


@pytest.mark.parametrize("name", MODULES)
def test_nothing_is_found(name: str) -> None:
    check = load(name)
    corpus = inputs(name)
    for data in [*corpus, *mutations(corpus, MUTATIONS, seed=1)]:
        check(data)


def test_every_target_has_a_corpus_that_is_small() -> None:
    folders = {path.name for path in CORPUS.iterdir()}
    assert folders == set(MODULES)
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 1_000_000
    assert all(len(inputs(name)) > 3 for name in MODULES)


def test_mutations_come_from_their_seed() -> None:
    corpus = [b"", b"one", bytes(3 * MAX_BYTES)]
    first = list(mutations(corpus, 50, seed=3))
    assert list(mutations(corpus, 50, seed=3)) == first
    assert list(mutations(corpus, 50, seed=4)) != first
    assert max(map(len, first)) <= MAX_BYTES


@pytest.mark.parametrize("seed", range(20))
def test_anything_can_be_mutated(seed: int) -> None:
    data = bytearray(b"seed")
    random = Random(seed)
    for _ in range(40):
        mutate(data, random, [b"", b"other"])


def test_a_finding_is_kept_once_for_each_place(tmp_path: Path) -> None:
    def check(data: bytes) -> None:
        if data:
            raise ValueError(data)

    attempt = Findings(tmp_path, "target", check)
    for data in (b"", b"a", b"b"):
        attempt(data)
    assert attempt.runs == 3
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"a"]


def test_a_target_that_is_none_is_a_usage_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["nonsense"])
    assert exit_.value.code == 2
    assert "no target nonsense" in capsys.readouterr().err
