"""The preset ``linux`` gives what a program behind the running kernel reads.

``python -m tests.kernel`` does the same for as many conversations as wanted.
"""

import pytest

from tests.kernel.comparison import differences, reassembled
from tests.kernel.device import Device, Unavailable
from tests.kernel.generators import sequences


@pytest.fixture(autouse=True)
def a_device() -> None:
    try:
        Device().close()
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    "kind",
    ["overlaps", "overlapping_fins", "full_sized_overlaps", "fragments", "urgent"],
)
def test_a_program_reads_what_the_preset_gives(kind: str) -> None:
    assert not list(differences(sequences(3, 400, [kind]), reassembled))
