"""Captures that the tests read: ours, and those of others where they are at hand.

Public captures have licences of their own, or none, and are not shipped.
"""

import os
from pathlib import Path

import pytest

CONFORMANCE = Path(__file__).parent / "conformance"
SHARED = Path(os.environ.get("UNPACKET_SHARED") or Path(__file__).parents[2] / "shared")


def shared_path(*parts: str) -> Path:
    """Return a path in the folder of others' captures, or skip the test.

    It may be called at the top of a module too, which then is skipped whole.
    """
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(
            f"{path} is absent: captures of others are not shipped "
            "(UNPACKET_SHARED names a folder that has them)",
            allow_module_level=True,
        )
    return path
