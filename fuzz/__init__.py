"""Fuzz targets: what bytes of strangers can reach, and what must hold for any bytes.

``python -m fuzz`` replays the corpus and mutates it for a bounded number of runs;
``python -m fuzz --atheris TARGET`` lets coverage guide the mutations.
"""
