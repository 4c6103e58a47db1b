"""Exchanges in the order in which they began, though they end in another.

They are numbered without a gap, so what may go is known without looking for it. Those
that wait are bounded by their number and by what their bodies take in memory; beyond,
the older half of them goes, and whoever is missing among them comes late.
"""

from unpacket.messages.pairing import Exchange


class Order:
    """Holds exchanges back until all that began before them have come.

    Args:
        most: How many may wait.
        most_bytes: How much of their bodies may be in memory meanwhile.
    """

    __slots__ = ("following", "most", "most_bytes", "waiting", "waiting_bytes")

    waiting: dict[int, Exchange]

    def __init__(self, most: int, most_bytes: int) -> None:
        self.most = most
        self.most_bytes = most_bytes
        self.waiting = {}
        self.waiting_bytes = 0
        self.following = 0

    def put(self, exchange: Exchange) -> list[Exchange]:
        """Take an exchange; return those that may go now."""
        number = exchange.number
        if number < self.following:
            return [exchange]
        if number > self.following:
            self.waiting[number] = exchange
            self.waiting_bytes += exchange.body_bytes()
            if len(self.waiting) > self.most or self.waiting_bytes > self.most_bytes:
                return self.let_go()
            return []
        self.following = number + 1
        found = [exchange]
        self.go_on(found)
        return found

    def go_on(self, found: list[Exchange]) -> None:
        """Add those that wait for nothing any more."""
        while self.waiting:
            exchange = self.waiting.pop(self.following, None)
            if exchange is None:
                break
            self.waiting_bytes -= exchange.body_bytes()
            found.append(exchange)
            self.following += 1

    def let_go(self) -> list[Exchange]:
        """Return the older half of those that wait, and what waited only for them."""
        found = []
        numbers = sorted(self.waiting)
        for number in numbers[: (len(numbers) + 1) // 2]:
            exchange = self.waiting.pop(number)
            self.waiting_bytes -= exchange.body_bytes()
            found.append(exchange)
            self.following = number + 1
        self.go_on(found)
        return found

    def rest(self) -> list[Exchange]:
        """Return all that wait."""
        found = [self.waiting[number] for number in sorted(self.waiting)]
        self.waiting.clear()
        self.waiting_bytes = 0
        return found
