"""The models say of every random conversation what the running kernel did.

They are what the preset ``linux`` was made from, and what it is tested against where
there is no such kernel.
"""

import pytest

from tests.kernel import model
from tests.kernel.comparison import differences, model_outcome, modelled, play
from tests.kernel.device import Device, Unavailable
from tests.kernel.generators import sequences

KINDS = ["overlaps", "overlapping_fins", "full_sized_overlaps", "fragments"]


@pytest.fixture(autouse=True)
def a_device() -> None:
    try:
        Device().close()
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("kind", KINDS)
def test_a_program_reads_what_the_model_says(kind: str) -> None:
    assert not list(differences(sequences(1, 400, [kind]), modelled))


@pytest.mark.parametrize("kind", KINDS[:3])
def test_a_program_behind_a_card_with_pages_reads_what_the_model_says(
    kind: str,
) -> None:
    for played in play(sequences(2, 150, [kind]), tap=True):
        for one in played:
            said = model_outcome(one.sequence, model.Buffer.PAGES)
            assert said == one.outcome, one.sequence
