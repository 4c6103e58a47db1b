"""Units behind a number, as people write them: 4MiB, 20ms."""

from __future__ import annotations

# As GNU head and dd read them: MB is 1000 * 1000 bytes, M and MiB are 1024 * 1024.
BYTES = {"": 1, "b": 1}
for _power, _letter in enumerate("kmgt", start=1):
    BYTES[f"{_letter}b"] = 1000**_power
    BYTES[_letter] = BYTES[f"{_letter}ib"] = 1024**_power

NANOSECONDS = {"ns": 1, "us": 10**3, "ms": 10**6, "": 10**9, "s": 10**9}
NANOSECONDS |= {"m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}
