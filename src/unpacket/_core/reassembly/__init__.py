"""Segments to streams, streams to events."""
