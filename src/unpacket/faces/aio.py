"""The events of a source for asyncio: in a thread, a batch at a time, never ahead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from unpacket import sources
from unpacket._core.reassembly.assembler import Assembler
from unpacket.policy import Policy

if TYPE_CHECKING:
    from unpacket.sources.bpf.filter import BpfLike


async def events_async(
    source: Any,
    *,
    policy: Policy | None = None,
    data: bool = True,
    notes: bool = False,
    merge: bool = False,
    link_type: int | str | None = None,
    strict: bool = False,
    bpf: BpfLike | None = None,
) -> AsyncIterator[Any]:
    """Give the events of a capture as they happen, without blocking the event loop.

    Arguments and errors are those of ``events``. The next batch is read when the
    events of the one before have been taken: that is the back-pressure. A task that
    is cancelled closes the source once the read under way returns.
    """
    # Half of the time that `import unpacket` would take, and few programs need it.
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    loop = asyncio.get_running_loop()
    assembler = Assembler(policy, data=data, notes=notes)
    worker = ThreadPoolExecutor(1, thread_name_prefix="unpacket")
    opened: list[sources.Source] = []

    def start() -> None:
        opened.append(
            sources.open(
                source, merge=merge, strict=strict, link_type=link_type, bpf=bpf
            )
        )

    def work() -> list[Any] | None:
        batch = next(opened[0], None)
        return None if batch is None else assembler.feed(batch)

    def stop() -> None:
        for item in opened:
            item.close()

    try:
        await loop.run_in_executor(worker, start)
        while (happened := await loop.run_in_executor(worker, work)) is not None:
            for event in happened:
                yield event
        for event in assembler.finish():
            yield event
    finally:
        # Nothing is awaited here, so that a cancelled task ends at once; the one
        # worker closes the source after what it is reading.
        worker.submit(stop)
        worker.shutdown(wait=False)
