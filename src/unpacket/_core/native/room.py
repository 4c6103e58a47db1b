"""Memory that is about to be read into, and so need not be zeroed first.

The compiled twin is in the ``.pxd``. To zero a buffer of 1 MiB takes as long as to
reassemble what is read into it takes for some 200 packets.
"""


def room(size: int) -> bytearray:
    """Return ``size`` bytes of which nobody knows what they are."""
    return bytearray(size)
