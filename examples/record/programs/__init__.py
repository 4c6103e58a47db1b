"""The programs that can be recorded: a server each, and its clients.

A file a program. Each knows how to run the two without anything outside its
scratch directory, and what to ask.
"""

from . import iperf3, nginx, openssl, postgres, python, redis, ssh
from .program import Client, Needed, Place, Program

PROGRAMS: dict[str, Program] = {
    program.name: program
    for program in (
        python.PROGRAM,
        nginx.PROGRAM,
        openssl.PROGRAM,
        redis.PROGRAM,
        ssh.PROGRAM,
        postgres.PROGRAM,
        iperf3.PROGRAM,
    )
}

__all__ = ["PROGRAMS", "Client", "Needed", "Place", "Program"]
