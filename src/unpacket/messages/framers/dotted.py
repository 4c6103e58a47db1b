"""Bytes up to a line with nothing but a point, as SMTP and POP3 send what is long."""

from unpacket.messages.answers import Answer, message, need, part

END = b"\r\n.\r\n"


class Dotted:
    """Cuts such bytes.

    Attributes:
        at_line: Whether a line begins where it is asked.
    """

    __slots__ = ("at_line",)

    def __init__(self) -> None:
        self.at_line = True

    def frame(self, data: bytes, start: int, ended: bool) -> Answer:
        """Say what is next: some of the bytes, or the end, which is no body."""
        if self.at_line:
            if data.startswith(END[2:], start):
                return message(3, 3)
            if not ended and END[2:].startswith(data[start : start + 3]):
                return need()
        found = data.find(END, start)
        if found >= 0:
            self.at_line = True
            return part(found + 2 - start)
        left = len(data) - start
        # What may be the beginning of the end.
        kept = 0 if ended else min(4, left)
        while kept and not END.startswith(data[len(data) - kept :]):
            kept -= 1
        if kept == left:
            return need()
        self.at_line = False
        return part(left - kept)
