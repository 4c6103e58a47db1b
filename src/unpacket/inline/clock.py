"""The time of day, that never goes back."""

from __future__ import annotations

import time
from collections.abc import Callable


def steady_clock() -> Callable[[], int]:
    """Return a function that gives nanoseconds since 1970.

    It is right when it is made, and knows nothing of later corrections: what waits
    would be let go too early, or never.
    """
    start = time.time_ns() - time.monotonic_ns()
    return lambda: start + time.monotonic_ns()
