"""The faces of reassembly: streams, events, callbacks, asyncio, a consumer that pulls.

Each is thin: it reads a source, feeds one assembler, and hands on what that returns.
All give the same events.
"""
