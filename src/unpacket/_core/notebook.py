"""The table that a notebook shows of a stream, an event or a report.

All text in it comes from packets or may; it is escaped here, and nowhere else.
"""

from collections.abc import Iterable, Sequence
from typing import Any

# A notebook keeps what it shows, in the page and in the file.
LONGEST_TEXT = 400


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return HTML of a table: a caption, a row of heads, then the rows.

    The first of each row is its head.
    """
    lines = [f"<table><caption>{cell(caption)}</caption>"]
    if head:
        lines.append(f"<tr>{''.join(f'<th>{cell(name)}</th>' for name in head)}</tr>")
    for name, *values in rows:
        shown = "".join(f"<td>{cell(value)}</td>" for value in values)
        lines.append(f"<tr><th>{cell(name)}</th>{shown}</tr>")
    lines.append("</table>")
    return "\n".join(lines)


def record(item: object) -> str:
    """Return HTML of a named tuple: its kind, and a row for each field."""
    fields: tuple[str, ...] = getattr(item, "_fields")  # noqa: B009 -- of any of them
    pairs = [(name, getattr(item, name)) for name in fields]
    return table(type(item).__name__, (), pairs)


def stream_table(stream: Any) -> str:
    """Return HTML of a ``Stream``: what matters of each side, beside each other."""
    sides = (0, 1)
    counts = [stream.counts(side) for side in sides]
    shown = ("packets", "delivered_bytes", "gap_bytes", "conflicts", "retransmissions")
    rows = [(name, *(side[name] for side in counts)) for name in shown]
    rows.append(("state", *(stream.state(side) for side in sides)))
    ended = stream.close_reason or "open"
    return table(
        f"Stream {stream.id}: {stream.client} > {stream.server} ({ended})",
        ("", "client", "server"),
        rows,
    )


def cell(value: object) -> str:
    """Return a value as text of HTML, cut where it is long."""
    # As much to import as the rest of the core, and seldom needed.
    from html import escape

    if isinstance(value, bytes):
        # So that a payload of megabytes is not written out to be cut.
        text = repr(value[:LONGEST_TEXT])
        cut = len(value) > LONGEST_TEXT or len(text) > LONGEST_TEXT
        size = f" ({len(value):,} bytes)" if cut else ""
        return escape(text[:LONGEST_TEXT] + ("…" if cut else "") + size)
    text = str(value)
    return escape(text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…")
