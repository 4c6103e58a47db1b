"""Where the conformance and real captures are that are too large to ship."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("UNPACKET_SHARED") or Path(__file__).parents[2] / "shared")


def shared_path(*parts: str) -> Path:
    """Return a path in the shared folder, or skip the test that asked for it.

    It may be called at the top of a module too, which then is skipped whole.
    """
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(
            f"{path} is absent (UNPACKET_SHARED names another folder)",
            allow_module_level=True,
        )
    return path
