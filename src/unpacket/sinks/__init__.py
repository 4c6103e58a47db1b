"""Where events go to be read: by people, by programs, from files.

A sink gets events and streams, and never sees a source.
"""
