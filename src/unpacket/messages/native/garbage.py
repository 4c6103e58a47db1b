"""What Python's collector of cycles need not look at.

It walks over all containers again and again as new ones come; of a thousand exchanges
that wait, that took a tenth of the time that the making of them did. The compiled twin
in the ``.pxd`` takes an object off its list.
"""

from typing import Any


def leave_alone(container: Any) -> None:
    """Let the collector pass over an object that is in no cycle, nor ever will be."""
