"""The compiled core: frames to segments, segments to streams, streams to events.

Nothing in here does I/O, reads a clock, logs, locks, starts a thread, or imports
from the rest of the package (but for ``errors`` and ``policy``). The same files
run uncompiled. Hostile input gives events and counters, never an exception.
"""
