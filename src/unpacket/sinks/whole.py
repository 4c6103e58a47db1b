"""Files of which all is at hand, and that are new."""

from unpacket.sinks.native import system as native


def write_file(at: int, path: bytes, data: bytes | memoryview, time_ns: int) -> int:
    """Make a file, write its bytes, and give it a time of last change.

    Other threads run meanwhile.

    Args:
        at: A descriptor of the directory that ``path`` is relative to.

    Returns:
        Why it could not be made, as an ``errno``; 0 if it was.

    Raises:
        OSError: It was made, and could not be written.
    """
    return native.write_file(at, path, data, time_ns)
