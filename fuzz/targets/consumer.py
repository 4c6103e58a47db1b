"""Whoever uses an assembler may do anything at any moment."""

from fuzz.choices import Choices
from fuzz.segments import frames, policy
from tests.properties.law import check_counts
from tests.properties.test_totality import Consumer
from unpacket import Assembler

ACTIONS = ["advance", "finish", "skip_to", "ignore", "track", "close", "ask"]
MOST_ACTIONS = 12


def check(data: bytes) -> None:
    choices = Choices(data)
    chosen = policy(choices)
    by_steps = choices.flag()
    plan: dict[int, list[tuple[str, int, int]]] = {}
    for _ in range(choices.byte() % MOST_ACTIONS):
        when = choices.byte() % 32
        what = choices.pick(ACTIONS)
        number = choices.byte()
        if number >= 0xF0:
            number <<= 32
        plan.setdefault(when, []).append((what, choices.byte() % 4, number))
    consumer = Consumer(Assembler(chosen, notes=True))
    for index, frame in enumerate(frames(choices)):
        consumer.feed([frame], index + 1, by_steps)
        for action in plan.get(index, ()):
            consumer.act(*action)
            for stream in consumer.assembler.streams:
                check_counts(stream)
    consumer.law(consumer.assembler.finish())
    consumer.law.end(consumer.assembler)
