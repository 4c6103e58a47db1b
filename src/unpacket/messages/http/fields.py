"""The fields of a head, or of a trailer, as text.

Bytes become characters one by one (Latin-1), so that nothing is lost. A folded line
goes on with the field before it; one behind a line without a colon belongs to that.
"""

from unpacket.messages.http.constants import COLON, CR, LF, SPACE, TAB
from unpacket.messages.native import find as native


def field_value(head: bytes, start: int, name: bytes) -> str | None:
    """Return the values of a field joined with commas; None if there is none.

    It makes no object of any other field. ``name`` is in lower case.
    """
    found: list[str] | None = None
    at = start
    size = len(head)
    named = len(name)
    folds = False
    while at < size:
        lf = native.find_byte(head, LF, at, size)
        stop = size if lf < 0 else lf
        if stop > at and head[stop - 1] == CR:
            stop -= 1
        if stop > at and (head[at] == SPACE or head[at] == TAB):
            if folds and found is not None:
                value = found.pop()
                more = native.text(head, at, stop)
                found.append(f"{value} {more}" if value else more)
        elif stop > at:
            folds = False
            if native.same_letters(head, at, name):
                colon = native.find_byte(head, COLON, at, stop)
                behind = at + named
                while behind < colon and (head[behind] == SPACE or head[behind] == TAB):
                    behind += 1
                if behind == colon and colon > at:
                    if found is None:
                        found = []
                    found.append(native.text(head, colon + 1, stop))
                    folds = True
        if lf < 0:
            break
        at = lf + 1
    return None if found is None else ", ".join(found)


def parse_fields(head: bytes, start: int) -> list[tuple[str, str]]:
    """Return fields as pairs of name and value; folded lines are joined by a blank."""
    found: list[tuple[str, str]] = []
    at = start
    size = len(head)
    # Whether a folded line goes on with the last field, and with no line that is none.
    folds = False
    while at < size:
        lf = native.find_byte(head, LF, at, size)
        stop = size if lf < 0 else lf
        if stop > at and head[stop - 1] == CR:
            stop -= 1
        if stop > at:
            if head[at] == SPACE or head[at] == TAB:
                if folds:
                    name, value = found.pop()
                    more = native.text(head, at, stop)
                    found.append((name, f"{value} {more}" if value else more))
            else:
                colon = native.find_byte(head, COLON, at, stop)
                folds = colon > at
                if folds:
                    field = native.text(head, at, colon)
                    found.append((field, native.text(head, colon + 1, stop)))
        if lf < 0:
            break
        at = lf + 1
    return found
