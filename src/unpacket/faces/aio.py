"""The events of a source for asyncio: in a thread, a batch at a time, never ahead."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING

from unpacket import sources
from unpacket._core.decode.segments import Segments
from unpacket._core.memory.batch import Batch
from unpacket._core.reassembly.assembler import Assembler
from unpacket._core.reassembly.events import Event
from unpacket._options import names_options
from unpacket.faces.attending import Attending, recall
from unpacket.faces.link_type_check import LinkTypeCheck
from unpacket.faces.reader import check_arguments
from unpacket.policy import Policy
from unpacket.sources.objects import ObjectSource

if TYPE_CHECKING:
    from unpacket.sources.bpf.filter import BpfLike
    from unpacket.sources.source import Capture
    from unpacket.tls.decryption import Decryption
    from unpacket.tls.key_log import Keys


@names_options
def events_async(
    source: Capture,
    *,
    policy: Policy | None = None,
    data: bool = True,
    notes: bool = False,
    merge: bool = False,
    link_type: int | str | None = None,
    strict: bool = False,
    bpf: BpfLike | None = None,
    keys: Keys | None = None,
) -> AsyncGenerator[Event, None]:
    """Give the events of a capture as they happen, without blocking the event loop.

    Arguments, errors and how events find their streams are those of ``events``. The
    next batch is read when the events of the one before have been taken: that is the
    back-pressure. A task that is cancelled closes the source once the read under way
    returns.
    """
    check_arguments(source, link_type=link_type)
    assembler = Assembler(policy, data=data, notes=notes)

    def opened() -> sources.Source:
        return sources.open(
            source, merge=merge, strict=strict, link_type=link_type, bpf=bpf
        )

    decryption = None
    if keys is not None:
        # For those who have some.
        from unpacket.tls.decryption import Decryption

        decryption = Decryption(keys)
    return _events(assembler, opened, decryption)


async def _events(
    assembler: Assembler,
    open_source: Callable[[], sources.Source],
    decryption: Decryption | None,
) -> AsyncGenerator[Event, None]:
    # Half of the time that `import unpacket` would take, and few programs need it.
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    loop = asyncio.get_running_loop()
    worker = ThreadPoolExecutor(1, thread_name_prefix="unpacket")
    opened: list[sources.Source] = []
    attending: list[Attending] = []
    check = LinkTypeCheck()
    used: list[Segments] = []
    passed: list[Event] = []

    def start() -> None:
        opened.append(open_source())
        if decryption is not None:
            decryption.attach(opened[0].notes.secrets)
        live = opened[0].live
        if live is not None:
            attending.append(Attending(live, assembler))

    def read() -> Batch | None:
        batch = next(opened[0], None)
        if batch is None:
            check.end()
            return None
        if attending:
            attending[0].look_again()
            if not batch.count:
                passed.extend(attending[0].passed())
                return batch
        # What takes long is done here, and what is left between two events is short.
        decoded = assembler.decode(batch, used)
        assembler.begin_decoded(batch, list(decoded))
        used.extend(decoded)
        return batch

    def given(happened: list[Event]) -> list[Event]:
        return happened if decryption is None else decryption.feed(happened)

    def stop() -> None:
        for item in opened:
            item.close()

    try:
        await loop.run_in_executor(worker, start)
        while (batch := await loop.run_in_executor(worker, read)) is not None:
            while passed:
                for event in given([passed.pop(0)]):
                    yield event
            while (happened := assembler.step()) is not None:
                if attending:
                    attending[0].look(happened)
                elif opened[0].notes.owners:
                    recall(opened[0].notes, happened)
                for event in given(happened):
                    yield event
            if not check.done and isinstance(opened[0], ObjectSource):
                check.look(assembler, batch)
        for event in given(assembler.finish()):
            yield event
        if decryption is not None:
            for event in decryption.finish():
                yield event
    finally:
        # Nothing is awaited here, so that a cancelled task ends at once; the one
        # worker closes the source after what it is reading.
        worker.submit(stop)
        worker.shutdown(wait=False)
