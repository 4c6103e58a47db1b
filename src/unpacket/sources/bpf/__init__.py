"""Filters on frames in tcpdump's language, run by a machine of our own."""

from unpacket.sources.bpf.filter import Bpf, BpfError, BpfLike, FilteredSource

__all__ = ["Bpf", "BpfError", "BpfLike", "FilteredSource"]
