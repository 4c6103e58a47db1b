"""Reading and decoding beside reassembly: a second thread, for captures in files.

The thread reads and decodes, in order, some batches before they are wanted. Both
leave the interpreter to others while they work, so that two processors are in use.
What comes of a capture does not depend on it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, Queue
from typing import Any

from unpacket._core.assembler import Assembler
from unpacket._core.batch import Batch
from unpacket._core.events import Event
from unpacket._core.segments import Segments
from unpacket.sources import Source

# Each is a buffer of 1 MiB, which should still be in the processor's cache.
BATCHES_AHEAD = 2
# After so many segments the other thread may have the interpreter: 0.1 ms.
SLICE_SEGMENTS = 256
# A thread waits this long before it asks for the interpreter. It is for all threads
# of the program; Python's 5 ms are time enough to reassemble eight batches. Of 500,
# 100 and 10 us, two processors were 1.2, 1.4 and 1.55 times as fast as one.
SWITCH_S = 0.000_01
WAIT_S = 0.05

_quick = threading.Lock()
_readers = 0
_switch_before_s = 0.0


def ahead(
    assembler: Assembler, source: Source, begun: Callable[[Batch], None]
) -> Iterator[list[Event]]:
    """Give the events of a source, a few at a time.

    ``begun`` is called with each batch before its events.

    Raises:
        SourceError: As the source raises it, after what came before.
    """
    ready: Queue[Any] = Queue(BATCHES_AHEAD)
    free: list[Segments] = []
    stopped = threading.Event()

    def read() -> None:
        end: BaseException | None = None
        try:
            for batch in source:
                ready.put((batch, assembler.decode(batch, free)))
                # While it is referred to from here nobody can reuse it.
                del batch
                if stopped.is_set():
                    break
        except BaseException as error:
            end = error
        ready.put(end)

    thread = threading.Thread(target=read, name="unpacket reads", daemon=True)
    source.tells = False
    with quick_switches():
        thread.start()
        try:
            while (item := ready.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                batch, decoded = item
                used = list(decoded)
                begun(batch)
                assembler.begin_decoded(batch, decoded)
                del item, batch, decoded
                while (happened := assembler.proceed(SLICE_SEGMENTS)) is not None:
                    yield happened
                free += used
                source.tell()
        finally:
            stopped.set()
            while thread.is_alive():
                # It may wait for room.
                try:
                    ready.get(timeout=WAIT_S)
                except Empty:
                    continue
            source.tells = True


@contextmanager
def quick_switches() -> Iterator[None]:
    """Have the threads of the program take turns more often meanwhile."""
    global _readers, _switch_before_s
    with _quick:
        if not _readers:
            _switch_before_s = sys.getswitchinterval()
            sys.setswitchinterval(min(_switch_before_s, SWITCH_S))
        _readers += 1
    try:
        yield
    finally:
        with _quick:
            _readers -= 1
            if not _readers:
                sys.setswitchinterval(_switch_before_s)
