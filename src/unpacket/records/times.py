"""Times as text, to the nanosecond.

A time is a number of nanoseconds since 1970, beyond 2**53 of which a double has no
place for the last digits: jq, JavaScript and spreadsheets read numbers as doubles. So
where a time is written as a number, it stands beside it as text.
"""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NS_PER_SECOND = 10**9


def rfc3339(time_ns: int) -> str:
    """Return a time of 64 bits as RFC 3339 has it, in UTC.

    Always of 30 characters, so texts are in the order of the times:
    ``2026-11-21T04:17:40.123456789Z``.
    """
    seconds, ns = divmod(time_ns, NS_PER_SECOND)
    moment = EPOCH + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ns:09}Z"


def apart(start_ns: int, end_ns: int) -> str:
    """Return how many nanoseconds lie between two times, which may be 2**64."""
    return str(end_ns - start_ns)
