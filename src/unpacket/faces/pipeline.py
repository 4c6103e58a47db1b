"""Reading beside reassembly: a second thread, for captures in files.

The thread reads and finds frames, some batches before they are wanted. Whichever of
the two has nothing better to do decodes the next batch, since which of them has more
to do differs between captures. Both leave the interpreter to others while they work.
What comes of a capture does not depend on it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

from unpacket._core.decode.segments import Segments
from unpacket._core.memory.batch import Batch
from unpacket._core.reassembly.assembler import Assembler
from unpacket._core.reassembly.events import Event
from unpacket.sources import Source

# Each is a buffer of 1 MiB, which should still be in the processor's cache.
BATCHES_AHEAD = 4
# While fewer wait, reading the next one comes before decoding.
ENOUGH_AHEAD = 2
# Whoever takes the events gets those of so many segments at a time.
SLICE_SEGMENTS = 2048
WAIT_S = 0.05

MORE = True


class Stopped(Exception):
    """Nobody wants more."""


class Waiting:
    """A batch that was read, and what it was decoded to, once it was."""

    __slots__ = ("batch", "decoded")

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.decoded: list[Segments] | None = None


class Ahead:
    """The batches that were read and not yet taken.

    Batches are decoded in order, one at a time: ``_decoding`` sees to that.
    """

    def __init__(self, assembler: Assembler, source: Source) -> None:
        self._assembler = assembler
        self._source = source
        self._stopped = threading.Event()
        self._decoding = threading.Lock()
        self._line: deque[Waiting] = deque()
        self._free: list[Segments] = []
        # A MORE for each batch in the line, and at last what ended it: None, or an
        # exception. The queue of the library that has a bound is slower than decoding.
        self._come: SimpleQueue[Any] = SimpleQueue()
        self._room: SimpleQueue[None] = SimpleQueue()
        for _ in range(BATCHES_AHEAD):
            self._room.put(None)
        self._thread = threading.Thread(
            target=self._work, name="unpacket reads", daemon=True
        )

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def take(self) -> tuple[Batch, list[Segments]] | None:
        """Return the next batch, decoded, or None at the end.

        Raises:
            SourceError: As the source raises it.
        """
        came = self._come.get()
        if came is None:
            return None
        if isinstance(came, BaseException):
            raise came
        first = self._line[0]
        if first.decoded is None:
            with self._decoding:
                self._decode(first)
        self._line.popleft()
        self._room.put(None)
        # It was decoded, here or by the thread.
        return first.batch, first.decoded  # type: ignore[return-value]

    def give_back(self, used: list[Segments]) -> None:
        """Take segments that are done with."""
        self._free += used

    def stop(self) -> None:
        """Read no more, and wait until that is so."""
        self._stopped.set()
        self._thread.join()

    def _work(self) -> None:
        end: BaseException | None = None
        try:
            for batch in self._source:
                self._wait_for_room()
                self._line.append(Waiting(batch))
                # While it is referred to from here nobody can reuse it.
                del batch
                self._come.put(MORE)
                if len(self._line) > ENOUGH_AHEAD:
                    self._decode_next()
        except BaseException as error:
            end = error
        self._come.put(end)

    def _wait_for_room(self) -> None:
        while True:
            try:
                return self._room.get_nowait()
            except Empty:
                pass
            if not self._decode_next():
                break
        while not self._stopped.is_set():
            try:
                return self._room.get(timeout=WAIT_S)
            except Empty:
                continue
        raise Stopped

    def _decode_next(self) -> bool:
        """Decode the first batch that is not; return whether there was one."""
        with self._decoding:
            for waiting in tuple(self._line):
                if waiting.decoded is None:
                    self._decode(waiting)
                    return True
        return False

    def _decode(self, waiting: Waiting) -> None:
        # The other one may just have done it.
        if waiting.decoded is None:
            waiting.decoded = self._assembler.decode(waiting.batch, self._free)


def ahead(
    assembler: Assembler,
    source: Source,
    begun: Callable[[Batch], None],
    *,
    step: bool = False,
) -> Iterator[list[Event]]:
    """Give the events of a source, a few at a time; with ``step`` those of a segment.

    ``begun`` is called with each batch before its events.

    Raises:
        SourceError: As the source raises it, after what came before.
    """
    reading = Ahead(assembler, source)
    work = assembler.step if step else partial(assembler.proceed, SLICE_SEGMENTS)
    source.tells = False
    reading.start()
    try:
        while (taken := reading.take()) is not None:
            batch, decoded = taken
            used = list(decoded)
            begun(batch)
            assembler.begin_decoded(batch, decoded)
            del taken, batch, decoded
            yield from iter(work, None)
            reading.give_back(used)
            source.tell()
    finally:
        reading.stop()
        source.tells = True
