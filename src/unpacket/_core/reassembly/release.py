"""Bytes that have waited for the peer's acknowledgement, on their way out."""

from collections import deque

from unpacket._core.constants import IGNORED
from unpacket._core.reassembly.accounting import event_bytes
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.delivery import split
from unpacket._core.reassembly.events import Data, Event, Finished, Urgent
from unpacket._core.reassembly.half import Half


def release(ctx: Context, half: Half, everything: bool) -> None:
    """Give out what the peer has acknowledged by now, or everything."""
    extra = half.extra
    if extra is None or not extra.unreleased:
        return
    waiting = extra.unreleased
    while waiting:
        event = waiting.popleft()
        ctx.memory_bytes -= event_bytes(event)
        if isinstance(event, Data):
            data = event
            size = len(data.payload)
            if data.offset < half.acked < data.offset + size:
                head, data = split(data, half.acked)
                give_out(ctx, half, head)
                extra.unreleased_bytes -= size - len(data.payload)
                size = len(data.payload)
            if data.offset >= half.acked:
                if not everything:
                    wait_again(ctx, waiting, data)
                    break
                data.acknowledged = False
            extra.unreleased_bytes -= size
            give_out(ctx, half, data)
            continue
        if isinstance(event, Finished) and not everything:
            if half.acked <= half.next_offset:
                wait_again(ctx, waiting, event)
                break
        if isinstance(event, Urgent):
            if half.acked <= event.offset and not everything:
                wait_again(ctx, waiting, event)
                break
            extra.unreleased_bytes -= 1
        ctx.events.append(event)


def wait_again(ctx: Context, waiting: deque[Event], event: Event) -> None:
    """Put the first of the events that wait back, or what is left of it."""
    waiting.appendleft(event)
    ctx.memory_bytes += event_bytes(event)


def give_out(ctx: Context, half: Half, data: Data) -> None:
    """Let a Data event go to those who want it."""
    if ctx.want_data and not half.flags & IGNORED:
        ctx.events.append(data)
