"""Who sent the bytes: the client or the server."""

from enum import IntEnum


class Direction(IntEnum):
    """Who sent the bytes."""

    CLIENT = 0
    SERVER = 1

    @property
    def other(self) -> "Direction":
        """The opposite direction."""
        return SERVER if self is CLIENT else CLIENT

    def __str__(self) -> str:
        return self.name.lower()


CLIENT = Direction.CLIENT
SERVER = Direction.SERVER

WANTED = "Direction.CLIENT (0) or Direction.SERVER (1)"


def as_direction(direction: object) -> Direction:
    """Return the Direction that an argument means.

    Raises:
        TypeError: It is no number.
        ValueError: It is neither 0 nor 1.
    """
    if direction is CLIENT:
        return CLIENT
    if direction is SERVER:
        return SERVER
    wrong = f"direction is {direction!r:.60}, and not {WANTED}"
    if not hasattr(direction, "__index__"):
        raise TypeError(wrong)
    number = int(direction)
    if number not in (0, 1):
        raise ValueError(wrong)
    return SERVER if number else CLIENT
